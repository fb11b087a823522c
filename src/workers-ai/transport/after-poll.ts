let end: Promise<void> | undefined

/** Resolves after the poll phase of the event loop, when all sockets that were readable have been read; for all who wait at once. */
export function afterPoll (): Promise<void> {
  end ??= new Promise(resolve => setImmediate(() => {
    end = undefined
    resolve()
  }))
  return end
}
