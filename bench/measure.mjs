/** Measuring one server at one thing, once. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { tellUpstream, toRequestText } from './client.mjs'
import { cpuMs, rssMb, start } from './processes.mjs'
import { toOpenStream } from './scenarios.mjs'
import { startServer } from './servers.mjs'

/**
 * What one measurement gave. Of a load: `cpuMs` of the server over everything, `answers`, `failures`, `chunks` that bore
 * text, `seconds`, `delayP50` and `delayP99` in ms from a frame's sending to its arrival, `firstP50` in ms from a request
 * to its first frame with text. Of a start: `startMs` to the first answer. Of memory, in MB: `idleMb` at rest, `openMb`
 * more with 1,000 streams open, `usedMb` after `answers` requests.
 * @typedef {Record<string, number>} Figures
 */

const OPEN_STREAMS = 1_000
/** What a load may take beyond its own time before the benchmark gives up. */
const PATIENCE_MS = 30_000

export class Bench {
  #load = start([process.execPath, fileURLToPath(new URL('load.mjs', import.meta.url))], { on: 'others', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  #upstreamPort
  #directory

  /** @param {{ upstreamPort: number, directory: string }} options where servers find the upstream, and leave their files */
  constructor ({ upstreamPort, directory }) {
    this.#upstreamPort = upstreamPort
    this.#directory = directory
  }

  /** The upstream as if it were one of the servers: what load and upstream are able to without anything in between. */
  get upstream () {
    return { name: /** @type {const} */ ('upstream'), port: this.#upstreamPort, headers: { 'content-type': 'application/json' }, pid: process.pid, stop: async () => {} }
  }

  /** Tells the upstream what to answer from now on. @param {import('./scenarios.mjs').Scenario} scenario */
  async play ({ answer }) {
    await tellUpstream(this.#upstreamPort, 'POST', answer.bytes, answer.paceUs)
  }

  /**
   * Starts a server; the upstream must play a plain answer.
   * @param {import('./servers.mjs').ServerName} name
   * @param {import('./scenarios.mjs').Scenario} plain
   * @param {string[]} [nodeFlags]
   */
  startServer (name, { body }, nodeFlags = []) {
    return startServer(name, { upstreamPort: this.#upstreamPort, directory: this.#directory, body, nodeFlags })
  }

  /**
   * Has a server asked as a scenario says, and counts what that took. The upstream must play the scenario.
   * @param {import('./servers.mjs').Server} server
   * @param {import('./scenarios.mjs').Scenario} scenario
   * @param {{ seconds: number, answers?: number, rampMs?: number }} limits
   * @returns {Promise<Figures>}
   */
  async measure (server, { body, answer, connections, choices, isPaced }, limits) {
    const before = cpuMs(server.pid)
    const { answers, failures, seconds, delayMs, firstMs } = await this.#run({
      port: server.port, request: toRequestText(server, body), connections, isStream: answer.chunks > 0, isStamped: isPaced, ...limits
    })
    return { cpuMs: cpuMs(server.pid) - before, answers, failures, chunks: answers * answer.chunks * choices, seconds, delayP50: delayMs.p50, delayP99: delayMs.p99, firstP50: firstMs.p50 }
  }

  /**
   * How long a server takes from its start to its first answer.
   * @param {import('./servers.mjs').ServerName} name
   * @param {import('./scenarios.mjs').Scenario} plain
   * @returns {Promise<Figures>}
   */
  async measureStart (name, plain) {
    await this.play(plain)
    const server = await this.startServer(name, plain)
    await server.stop()
    return { startMs: server.startedInMs }
  }

  /**
   * What a new server holds in memory: at rest, with many streams open, and after many requests.
   * @param {import('./servers.mjs').ServerName} name
   * @param {import('./scenarios.mjs').Scenario} plain
   * @param {{ requests: number, openSeconds: number, seconds: number, canStream: boolean }} limits
   * @returns {Promise<Figures>}
   */
  async measureMemory (name, plain, { requests, openSeconds, seconds, canStream }) {
    await this.play(plain)
    const server = await this.startServer(name, plain)
    await sleep(300)
    const idleMb = rssMb(server.pid)
    const openMb = canStream ? await this.#measureOpenStreams(server, openSeconds) : NaN
    await this.play(plain)
    const { answers } = await this.measure(server, plain, { answers: requests, seconds })
    const usedMb = rssMb(server.pid)
    await server.stop()
    return { idleMb, openMb, usedMb, answers }
  }

  /** @param {import('./servers.mjs').Server} server @param {number} seconds */
  async #measureOpenStreams (server, seconds) {
    const scenario = { ...toOpenStream(seconds), connections: OPEN_STREAMS }
    await this.play(scenario)
    const before = rssMb(server.pid)
    let most = before
    const looking = setInterval(() => { most = Math.max(most, rssMb(server.pid)) }, 100)
    await this.measure(server, scenario, { answers: OPEN_STREAMS, seconds, rampMs: seconds * 500 })
    clearInterval(looking)
    return most - before
  }

  /** @param {import('./load.mjs').Load} load @returns {Promise<import('./load.mjs').Outcome>} */
  async #run (load) {
    const patience = AbortSignal.timeout((load.seconds ?? 0) * 1_000 + (load.rampMs ?? 0) + PATIENCE_MS)
    const outcome = once(this.#load, 'message', { signal: patience })
    this.#load.send(load)
    return (await outcome)[0]
  }
}
