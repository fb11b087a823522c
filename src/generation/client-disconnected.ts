/** The client left before its answer was complete; there is nobody to tell. */
export class ClientGoneError extends Error {
  override name = 'ClientGoneError'
  constructor () {
    super('The client left before its answer was complete')
  }
}
