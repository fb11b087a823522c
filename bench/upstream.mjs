/**
 * The upstream of native/upstream.c for machines without a C compiler: a server of literal bytes that is told by PUT what
 * to answer. Slower, and its timers know milliseconds only. Prints its port.
 */
import { createServer } from 'node:net'

const STAMP = `~${'0'.repeat(16)}`
const CUT = 0x1e

/** @typedef {{ pieces: Buffer[], whole: Buffer, paceMs: number }} Answer */

/** @type {Map<string, Answer>} by method */
const answers = new Map()

const server = createServer({ noDelay: true }, socket => {
  let head = ''
  /** @type {Buffer[]} */
  let body = []
  let left = 0
  let isChunked = false
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  socket.on('error', () => {}).on('close', () => clearInterval(timer))
  socket.on('data', bytes => {
    let rest = bytes
    if (body.length === 0) {
      const before = head.length
      head += bytes.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      rest = bytes.subarray(end + 4 - before)
      head = head.slice(0, end)
      left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      isChunked = /\r\ntransfer-encoding: chunked/i.test(head)
    }
    body.push(rest)
    left -= rest.length
    if (isChunked ? rest.subarray(-5).equals(Buffer.from('0\r\n\r\n')) : left <= 0) respond()
  })

  function respond () {
    const [method = '', path] = head.split(' ')
    if (method === 'PUT') {
      answers.set(path === '/GET' ? 'GET' : 'POST', toAnswer(Buffer.concat(body), Number(/\r\nx-pace-us: *(\d+)/i.exec(head)?.[1] ?? 0)))
      socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    } else {
      send(answers.get(method))
    }
    head = ''
    body = []
  }

  /** @param {Answer | undefined} answer */
  function send (answer) {
    if (answer === undefined) return socket.destroy()
    if (answer.paceMs === 0) return socket.write(answer.whole)
    const left = [...answer.pieces]
    const next = () => {
      socket.write(stamped(left.shift()))
      // At once, because the next request on this connection sets another timer.
      if (left.length === 0) clearInterval(timer)
    }
    timer = setInterval(next, answer.paceMs)
    next()
  }
})

/** @param {Buffer} bytes @param {number} paceUs @returns {Answer} */
function toAnswer (bytes, paceUs) {
  const pieces = bytes.toString('latin1').split(String.fromCharCode(CUT)).map(piece => Buffer.from(piece, 'latin1'))
  return { pieces, whole: Buffer.concat(pieces), paceMs: paceUs / 1000 }
}

/** @param {Buffer} [piece] */
function stamped (piece = Buffer.alloc(0)) {
  const at = piece.indexOf(STAMP)
  if (at === -1) return piece
  const now = `~${(process.hrtime.bigint() / 1000n).toString().padStart(16, '0')}`
  return Buffer.concat([piece.subarray(0, at), Buffer.from(now), piece.subarray(at + STAMP.length)])
}

server.listen(0, '127.0.0.1', () => process.stdout.write(`${/** @type {import('node:net').AddressInfo} */ (server.address()).port}\n`))
