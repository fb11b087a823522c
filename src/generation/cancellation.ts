/** Signals that no client waits for an answer any more: the part of AbortSignal that is used here. */
export interface CancelSignal {
  readonly aborted: boolean
  /** What `throwIfAborted` throws; undefined until then. */
  readonly reason: Error | undefined
  throwIfAborted: () => void
  addEventListener: (type: 'abort', listener: () => void) => void
  removeEventListener: (type: 'abort', listener: () => void) => void
}

/**
 * An abort controller and its signal in one. Every request has one, and the platform's pair, an event target with all
 * that belongs to it, costs as much as to translate the request.
 */
export class Cancellation implements CancelSignal {
  aborted = false
  reason: Error | undefined
  #listeners: Array<() => void> = []

  /** Calls every listener once, in their order; the first reason stands. */
  abort (reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }

  /** @throws the reason, once there is one */
  throwIfAborted (): void {
    if (this.aborted) throw this.reason
  }

  addEventListener (_type: 'abort', listener: () => void): void {
    // One is the rule, and a list that grew by `push` has room for seventeen as long as its request lasts.
    this.#listeners = this.#listeners.concat(listener)
  }

  removeEventListener (_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener)
    if (index !== -1) this.#listeners.splice(index, 1)
  }
}

/**
 * A cancellation that aborts with another one, and may abort by itself.
 * @returns it, and what parts it from the other one again
 */
export function follow (signal: CancelSignal): { cancellation: Cancellation, leave: () => void } {
  const cancellation = new Cancellation()
  const abort = () => cancellation.abort(reasonOf(signal))
  whenAborted(signal, abort)
  return { cancellation, leave: () => signal.removeEventListener('abort', abort) }
}

/** The same for those who take nothing but the platform's own. */
export function toAbortSignal (signal: CancelSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal
  const controller = new AbortController()
  whenAborted(signal, () => controller.abort(signal.reason))
  return controller.signal
}

/** Why a signal has aborted, which a platform's need not say by an Error. */
export function reasonOf ({ reason }: CancelSignal): Error {
  return reason ?? new Error('aborted')
}

function whenAborted (signal: CancelSignal, listener: () => void): void {
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener)
}
