/** The client left before its answer was complete; no one receives the rest. */
export class ClientDisconnectedError extends Error {
  override name = 'ClientDisconnectedError'
  constructor () {
    super('The client left before its answer was complete')
  }
}
