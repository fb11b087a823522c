/** The client left before its answer was complete; no one receives the rest. */
export class ClientGoneError extends Error {
  override name = 'ClientGoneError'
  constructor () {
    super('The client left before its answer was complete')
  }
}
