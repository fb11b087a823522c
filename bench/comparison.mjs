/** The servers side by side: every group of scenarios in rounds, one server after the other in each, as a new process. */
import { complaint } from './check.mjs'
import { plain, streamed } from './scenarios.mjs'

/**
 * @typedef {import('./scenarios.mjs').Scenario} Scenario
 * @typedef {import('./servers.mjs').Server} Server
 * @typedef {import('./servers.mjs').ServerName} ServerName
 *
 * @typedef {object} Plan
 * @property {number} rounds of everything under load, each with new processes
 * @property {number} warmUpSeconds of load that is not counted, after the start of a server and again for streams: code is compiled by then
 * @property {number} seconds of load in a round
 * @property {number} pacedSeconds the same for paced streams
 * @property {number} starts of each server
 * @property {number} memoryRounds
 * @property {number} openSeconds a stream is held open to see what it costs
 * @property {number} requests after which memory is looked at
 * @property {number} memorySeconds for those requests at most
 */

const PLAIN = plain('plain')
const STREAMED = streamed('streamed', 1_000)

export class Comparison {
  /** @type {import('./report.mjs').Results} */
  results = {}
  /** @type {Set<string>} what a reader must know beside the figures */
  notes = new Set()
  #bench
  #plan
  #tellProgress

  /**
   * @param {import('./measure.mjs').Bench} bench @param {Plan} plan
   * @param {(text: string) => void} tellProgress
   */
  constructor (bench, plan, tellProgress) {
    this.#bench = bench
    this.#plan = plan
    this.#tellProgress = tellProgress
  }

  /**
   * Measures everything.
   * @param {ServerName[]} names @param {Scenario[][]} groups
   */
  async run (names, groups) {
    for (const group of groups) {
      for (let round = 1; round <= this.#plan.rounds; round++) {
        await this.#measureGroup(this.#bench.upstream, group, round)
        // Who comes first in one round comes last in the next.
        for (const name of round % 2 === 0 ? names.toReversed() : names) await this.#measureProcess(name, group, round)
      }
    }
    for (let round = 1; round <= this.#plan.starts; round++) await this.#measureStarts(names, round)
    for (let round = 1; round <= this.#plan.memoryRounds; round++) await this.#measureMemory(names, round)
  }

  /**
   * Measures a new process at a group: two of the same server differ by up to 20 %, for as long as they live.
   * @param {ServerName} name @param {Scenario[]} group @param {number} round
   */
  async #measureProcess (name, group, round) {
    if (!group.some(scenario => isIn(scenario, name))) return
    const seconds = this.#plan.warmUpSeconds
    this.#tellProgress(`${name}, round ${round}: warm-up`)
    await this.#bench.play(PLAIN)
    const server = await this.#bench.startServer(name, PLAIN)
    await this.#bench.measure(server, PLAIN, { seconds })
    if (group.some(({ answer }) => answer.chunks > 0)) {
      await this.#bench.play(STREAMED)
      if (await complaint(server, STREAMED) === undefined) await this.#bench.measure(server, STREAMED, { seconds })
    }
    await this.#measureGroup(server, group, round)
    await server.stop()
  }

  /**
   * Measures a server at those scenarios of a group it answers right.
   * @param {Server} server @param {Scenario[]} group @param {number} round
   */
  async #measureGroup (server, group, round) {
    const { name } = server
    for (const scenario of group.filter(scenario => isIn(scenario, name))) {
      this.#tellProgress(`${scenario.name}: ${name}, round ${round}`)
      await this.#bench.play(scenario)
      const trouble = await complaint(server, scenario)
      if (trouble !== undefined) {
        this.notes.add(`not measured: ${scenario.name}, because ${name} ${trouble}`)
        continue
      }
      if (name !== 'upstream') await this.#bench.measure(server, scenario, this.#toLimits(scenario, true))
      const figures = await this.#bench.measure(server, scenario, this.#toLimits(scenario, false))
      this.#add(scenario.name, name, round, figures)
      if (figures.failures) this.notes.add(`${name}, ${scenario.name}, round ${round}: ${figures.failures} answers failed, ${figures.answers} did not`)
    }
  }

  /** @param {ServerName[]} names @param {number} round */
  async #measureStarts (names, round) {
    for (const name of names) {
      this.#tellProgress(`cold start: ${name}, round ${round}`)
      this.#add('cold start', name, round, await this.#bench.measureStart(name, PLAIN))
    }
  }

  /** @param {ServerName[]} names @param {number} round */
  async #measureMemory (names, round) {
    const { requests, openSeconds, memorySeconds } = this.#plan
    for (const name of names) {
      this.#tellProgress(`memory: ${name}, round ${round}`)
      const canStream = this.results['streamed']?.[name] !== undefined
      const figures = await this.#bench.measureMemory(name, PLAIN, { requests, openSeconds, seconds: memorySeconds, canStream })
      this.#add('memory', name, round, figures)
      if (Number(figures.answers) < requests) this.notes.add(`${name}, memory: only ${figures.answers} of ${requests} requests in ${memorySeconds} s`)
    }
  }

  /** @param {Scenario} scenario @param {boolean} isWarmUp */
  #toLimits ({ isPaced, answer }, isWarmUp) {
    const { seconds, pacedSeconds } = this.#plan
    if (!isPaced) return { seconds: isWarmUp ? seconds / 2 : seconds }
    // Streams that begin one after the other do not all wait for their first token at the same time. That they begin over
    // one frame more than they have spreads them over a frame's time: else they all send at four moments of it, fifty at once.
    const rampMs = (answer.chunks + 1) * answer.paceUs / 1_000
    // Nobody asks after the time is up: a warm-up is one stream on each connection.
    return { seconds: isWarmUp ? rampMs / 1_000 : pacedSeconds, rampMs }
  }

  /** @param {string} scenario @param {ServerName | 'upstream'} server @param {number} round @param {import('./measure.mjs').Figures} figures */
  #add (scenario, server, round, figures) {
    const byServer = this.results[scenario] ??= {}
    const rounds = byServer[server] ??= []
    rounds[round - 1] = figures
  }
}

/** @param {Scenario} scenario @param {Server['name']} name */
function isIn ({ lanes }, name) {
  return lanes === 'all' || name === 'ours' || (lanes === 'servers' && name !== 'upstream')
}
