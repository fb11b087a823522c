let end: Promise<void> | undefined

/** Resolves when everything is read that this turn of the event loop has brought; all who wait for it go on together. */
export function afterPoll (): Promise<void> {
  end ??= new Promise(resolve => setImmediate(() => {
    end = undefined
    resolve()
  }))
  return end
}
