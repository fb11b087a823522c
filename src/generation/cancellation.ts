/** A signal that no client waits for the answer any more: the used part of AbortSignal. */
export interface CancelSignal {
  readonly aborted: boolean
  /** What `throwIfAborted` throws; undefined until then. */
  readonly reason: Error | undefined
  throwIfAborted: () => void
  addEventListener: (type: 'abort', listener: () => void) => void
  removeEventListener: (type: 'abort', listener: () => void) => void
}

/**
 * An abort controller and its signal in one object. Every request has one. The platform's pair of controller and event target
 * costs as much as translating the request.
 */
export class Cancellation implements CancelSignal {
  aborted = false
  reason: Error | undefined
  #listeners: Array<() => void> = []

  /** Calls every listener once, in order; the first reason stays. */
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
    // Usually there is one; a list that grew by `push` reserves space for seventeen as long as its request lasts.
    this.#listeners = this.#listeners.concat(listener)
  }

  removeEventListener (_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener)
    if (index !== -1) this.#listeners.splice(index, 1)
  }
}

/**
 * A cancellation that aborts with another one, and may abort by itself.
 * @returns the cancellation, and a function that detaches it from the other one
 */
export function follow (signal: CancelSignal): { cancellation: Cancellation, leave: () => void } {
  const cancellation = new Cancellation()
  const abort = () => cancellation.abort(reasonOf(signal))
  whenAborted(signal, abort)
  return { cancellation, leave: () => signal.removeEventListener('abort', abort) }
}

/** The same as a signal of the platform. */
export function toAbortSignal (signal: CancelSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal
  const controller = new AbortController()
  whenAborted(signal, () => controller.abort(signal.reason))
  return controller.signal
}

/** The reason of an aborted signal as an Error; that of a platform's signal may be any value. */
export function reasonOf ({ reason }: CancelSignal): Error {
  return reason ?? new Error('aborted')
}

function whenAborted (signal: CancelSignal, listener: () => void): void {
  if (signal.aborted) listener()
  else signal.addEventListener('abort', listener)
}
