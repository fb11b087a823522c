/**
 * The load: raw sockets that ask, read the answer to its end and ask again. A process of its own; it is told over IPC
 * what to do, and answers what came of it.
 *
 * @typedef {object} Load
 * @property {number} port
 * @property {string} request the HTTP request, whole
 * @property {number} connections how many at the same time; each asks again when it is answered
 * @property {number} [seconds] no new request after these; those under way are waited for
 * @property {number} [answers] no new request after these many
 * @property {number} [rampMs] time over which the connections begin; 0 by default
 * @property {boolean} isStream the answer must end with `[DONE]`
 * @property {boolean} isStamped its frames bear the moment of their sending
 *
 * @typedef {object} Outcome
 * @property {number} answers whole and successful
 * @property {number} failures refused, broken off, or without their end
 * @property {number} bytes read, headers included
 * @property {number} seconds
 * @property {number} stamps frames that bore the moment of their sending
 * @property {{ p50: number, p99: number }} delayMs from a frame's sending to its arrival
 * @property {{ p50: number, p99: number }} firstMs from a request to the first stamped frame of its answer
 */
import { connect } from 'node:net'

const TAIL_LENGTH = 40
const STREAM_END = 'data: [DONE]\n\n\r\n0\r\n\r\n'
const CHUNKED_END = '\r\n0\r\n\r\n'
/** Every read of every socket ends up here, one after the other: nothing to allocate, nothing to collect. */
const buffer = Buffer.allocUnsafe(1 << 18)

process.on('message', (/** @type {Load} */ load) => run(load))
process.on('disconnect', () => process.exit())

/** @param {Load} load */
async function run (load) {
  const tally = new Tally(load)
  await Promise.all(Array.from({ length: load.connections }, (_, index) =>
    new Promise(resolve => setTimeout(() => converse(load, tally, resolve), index / load.connections * (load.rampMs ?? 0)))))
  process.send?.(tally.outcome())
}

class Tally {
  /** @param {Load} load */
  constructor ({ seconds = Infinity, answers = Infinity }) {
    this.start = performance.now()
    this.deadline = this.start + seconds * 1000
    this.left = answers
    this.answers = 0
    this.failures = 0
    this.bytes = 0
    /** @type {number[]} */
    this.delays = []
    /** @type {number[]} */
    this.firsts = []
  }

  /** Whether another request may be sent; counts it. */
  mayAsk () {
    return this.left-- > 0 && performance.now() < this.deadline
  }

  /** @returns {Outcome} */
  outcome () {
    const { answers, failures, bytes, delays, firsts } = this
    return { answers, failures, bytes, seconds: (performance.now() - this.start) / 1000, stamps: delays.length, delayMs: toPercentiles(delays), firstMs: toPercentiles(firsts) }
  }
}

/**
 * One connection's requests and answers.
 * @param {Load} load @param {Tally} tally @param {(value?: unknown) => void} done
 */
function converse (load, tally, done) {
  let head = ''
  let tail = ''
  let left = 0
  let askedAt = 0
  let isFirst = true
  let isDone = false
  const socket = connect({ host: '127.0.0.1', port: load.port, noDelay: true, onread: { buffer, callback: read } })
  socket.on('error', () => {}).on('connect', ask).on('close', () => {
    if (isDone) return
    tally.failures++
    // A server that hangs up at once would be asked in a tight loop.
    setTimeout(() => tally.mayAsk() ? converse(load, tally, done) : done(), 10)
  })

  function ask () {
    if (!tally.mayAsk()) {
      isDone = true
      socket.destroy()
      return done()
    }
    head = tail = ''
    isFirst = true
    askedAt = performance.now()
    socket.write(load.request)
  }

  /** @param {number} length @param {Uint8Array} _bytes */
  function read (length, _bytes) {
    tally.bytes += length
    const end = readHead(length)
    if (end === -1) return true
    left -= length - end
    tail = (tail + buffer.toString('latin1', Math.max(end, length - TAIL_LENGTH), length)).slice(-TAIL_LENGTH)
    if (load.isStamped) readStamps(buffer.subarray(end, length))
    if (Number.isNaN(left) ? tail.endsWith(CHUNKED_END) : left <= 0) finish()
    return true
  }

  /** Where the body begins in what was read; -1 while the head goes on. */
  function readHead (/** @type {number} */ length) {
    if (head.endsWith('\r\n\r\n')) return 0
    const before = head.length
    head += buffer.toString('latin1', 0, length)
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return -1
    head = head.slice(0, end + 4)
    left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
    return end + 4 - before
  }

  /** @param {Buffer} bytes */
  function readStamps (bytes) {
    for (let at = bytes.indexOf('~'); at !== -1 && at + 17 <= bytes.length; at = bytes.indexOf('~', at + 17)) {
      const sentUs = Number(bytes.toString('latin1', at + 1, at + 17))
      tally.delays.push(Number(process.hrtime.bigint()) / 1_000_000 - sentUs / 1_000)
      if (isFirst) tally.firsts.push(performance.now() - askedAt)
      isFirst = false
    }
  }

  function finish () {
    const isWhole = head.startsWith('HTTP/1.1 200 ') && (!load.isStream || tail.endsWith(STREAM_END))
    if (isWhole) tally.answers++
    else tally.failures++
    ask()
  }
}

/** @param {number[]} values */
function toPercentiles (values) {
  const sorted = Float64Array.from(values).sort()
  const at = (/** @type {number} */ share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
  return { p50: at(0.5), p99: at(0.99) }
}
