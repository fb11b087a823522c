import type { Socket } from 'node:net'
import { buildConnector, Client, Pool, type Dispatcher } from 'undici'

/** undici's timer adds up to 2 s; a caller should learn within 10 s that nothing answers. */
const CONNECT_TIMEOUT_MS = 8_000
/** Longer than undici's 4 s: a person's next message should not pay for another TLS handshake. */
const KEEP_ALIVE_MS = 30_000

/** A handler of a response that can resume it. */
export interface ResumableHandler extends Dispatcher.DispatchHandler {
  /** Resumes undici's parser; undefined unless a response has begun and not ended. */
  readonly resume?: (() => void) | undefined
}

/**
 * Connections to one origin, one request at a time on each.
 * @param url only its origin is used
 */
export function newPool ({ origin }: URL): Pool {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS })
  return new Pool(origin, {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect,
    factory: (origin, options) => new Connection(origin, options as Client.Options, connect)
  })
}

/**
 * A client with one connection, which may end while its response is paused. undici's parser fails an assertion when the end
 * arrives before it is resumed, outside of any request, and the process ends (`lib/dispatcher/client-h1.js`, `finish`).
 * Listeners of a socket run in their order, and these run before undici's.
 */
class Connection extends Client {
  #handler: ResumableHandler | undefined

  constructor (origin: URL, options: Client.Options, connect: buildConnector.connector) {
    super(origin, {
      ...options,
      connect: (address, callback) => connect(address, (...[error, socket]: Parameters<buildConnector.Callback>) => {
        if (error !== null) return callback(error, null)
        this.#listen(socket)
        callback(null, socket)
      })
    })
  }

  override dispatch (options: Dispatcher.DispatchOptions, handler: ResumableHandler): boolean {
    this.#handler = handler
    return super.dispatch(options, handler)
  }

  #listen (socket: Socket): void {
    // Node emits 'end' after all data, so resuming brings nothing new.
    socket.on('end', () => this.#handler?.resume?.())
    // undici takes a reset for the end of a response that ends with its connection.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' && this.#handler?.resume !== undefined) error.code = 'UND_ERR_SOCKET'
    })
  }
}
