let end: Promise<void> | undefined

/** Resolves after the poll phase of the event loop, when all readable sockets have been read. All callers of one turn share the promise. */
export function afterPoll (): Promise<void> {
  end ??= new Promise(resolve => setImmediate(() => {
    end = undefined
    resolve()
  }))
  return end
}
