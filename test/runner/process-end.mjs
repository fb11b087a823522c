/**
 * Preloaded by tests. Node 20.18 counts the requests of its sockets when a process has nothing left to do, and waits for ever at full
 * speed where it has lost one, as now and then after resets (`Environment::CleanupHandles`). `process.exit` counts none.
 */
let hasEnded = false
process.on('beforeExit', () => {
  // tap ends its root test on the same event.
  if (hasEnded) process.exit()
  hasEnded = true
  setImmediate(() => {})
})
