import { Socket } from 'node:net'
import { buildConnector, Pool } from 'undici'

/** undici's clock adds up to 2 s; nobody should wait longer than 10 s to hear that there is nobody. */
const CONNECT_TIMEOUT_MS = 8_000
/** Longer than undici's 4 s: a person's next message should not pay for another TLS handshake. */
const KEEP_ALIVE_MS = 30_000

/**
 * Connections to one origin, one request at a time on each.
 * @param url of which only the origin counts
 */
export function newPool ({ origin }: URL): Pool {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS })
  return new Pool(origin, {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: (options, callback) => connect(options, (error, socket) => {
      if (error !== null) return callback(error, null)
      readAtOnce(socket)
      callback(null, socket)
    })
  })
}

/**
 * Gives what a read brought to whoever listens to `readable`, in the same turn and past the buffer of Node's Readable, which
 * would tell of it a tick later: with many streams open, each of the objects on that way is a load from memory. What is
 * not taken then goes into that buffer, and is read before what comes later. Node calls `push` with what it read
 * (`lib/internal/stream_base_commons.js`), and undici takes it by `read` (`lib/dispatcher/client-h1.js`): should either do
 * otherwise some day, nothing is lost but the time.
 *
 * The end is told when it is read. Node reads nothing, by `read(0)`, to have it told at once, and undici's parser does not
 * bear to hear of it while it is held back: an assertion fails, and the process ends.
 */
export function readAtOnce (socket: Socket): void {
  socket.push = pushAtOnce
  socket.read = readGiven
}

const { push, read } = Socket.prototype
/** Whose listeners are being called, and what they have not taken yet: one at a time. */
let giver: Socket | undefined
let given: Buffer | null = null

function pushAtOnce (this: Socket, piece: Buffer | null, encoding?: BufferEncoding): boolean {
  if (giver === this) keepGiven(this)
  if (piece === null) this.read = readRest
  if (piece === null || giver !== undefined) return push.call(this, piece, encoding)
  giver = this
  given = piece
  try {
    this.emit('readable')
  } finally {
    giver = undefined
  }
  return keepGiven(this)
}

function readGiven (this: Socket, size?: number): Buffer | null {
  if (giver !== this || size !== undefined || this.readableLength > 0) return read.call(this, size)
  return takeGiven()
}

function keepGiven (socket: Socket): boolean {
  const piece = takeGiven()
  return piece === null || push.call(socket, piece)
}

function takeGiven (): Buffer | null {
  const piece = given
  given = null
  return piece
}

function readRest (this: Socket, size?: number): Buffer | null {
  return size === 0 ? null : read.call(this, size)
}
