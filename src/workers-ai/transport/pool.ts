import type { Socket } from 'node:net'
import { buildConnector, Client, Pool, type Dispatcher } from 'undici'

/** undici's clock adds up to 2 s; nobody should wait longer than 10 s to hear that there is nobody. */
const CONNECT_TIMEOUT_MS = 8_000
/** Longer than undici's 4 s: a person's next message should not pay for another TLS handshake. */
const KEEP_ALIVE_MS = 30_000

/** What hears an answer, and tells how to go on with it. */
export interface Hearer extends Dispatcher.DispatchHandler {
  /** Has undici read on, as it was given with the head; undefined unless an answer has begun and not ended. */
  readonly resume?: (() => void) | undefined
}

/**
 * Connections to one origin, one request at a time on each.
 * @param url of which only the origin counts
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
 * One connection at a time, whose end undici's parser can bear while an answer is held back: it fails an assertion when it
 * is told of the end before it reads on, outside of any request, and the process ends (`lib/dispatcher/client-h1.js`,
 * `finish`). Listeners of a socket are called in their order, and those of here come before undici's.
 */
class Connection extends Client {
  #hearer: Hearer | undefined

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

  override dispatch (options: Dispatcher.DispatchOptions, hearer: Hearer): boolean {
    this.#hearer = hearer
    return super.dispatch(options, hearer)
  }

  #listen (socket: Socket): void {
    // All that was read has been parsed, or the end would not be told: nothing new comes of it.
    socket.on('end', () => this.#hearer?.resume?.())
    // undici takes the reset of an answer that was to end with its connection for that end.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' && this.#hearer?.resume !== undefined) error.code = 'UND_ERR_SOCKET'
    })
  }
}
