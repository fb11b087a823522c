/** The servers side by side: every scenario in rounds, one server after the other in each, by several processes of each. */
import { complaint } from './check.mjs'
import { plain } from './scenarios.mjs'

/**
 * @typedef {import('./scenarios.mjs').Scenario} Scenario
 * @typedef {import('./servers.mjs').Server} Server
 * @typedef {{ server: Server, scenario: Scenario }} Lane
 *
 * @typedef {object} Plan
 * @property {number} generations of processes
 * @property {number} rounds of everything under load, by each generation
 * @property {number} pacedRounds the same of paced streams: a slow moment of the machine shows most in what waits most
 * @property {number} warmUpRequests not counted, before what matters most is: code is compiled by then
 * @property {number} seconds of load in a round
 * @property {number} pacedSeconds the same for paced streams
 * @property {number} starts of each server
 * @property {number} memoryRounds
 * @property {number} openSeconds a stream is held open to see what it costs
 * @property {number} requests after which memory is looked at
 * @property {number} memorySeconds for those requests at most
 */

const PLAIN = plain('plain')
/** At most, for the slow. */
const WARM_UP_SECONDS = 5
/** What a stream of 1,000 chunks costs, roughly. */
const REQUESTS_PER_STREAM = 10

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
   * @param {import('./servers.mjs').ServerName[]} names @param {Scenario[][]} groups
   */
  async run (names, groups) {
    for (let generation = 1; generation <= this.#plan.generations; generation++) await this.#measureGeneration(names, groups, generation)
    for (let round = 1; round <= this.#plan.starts; round++) await this.#measureStarts(names, round)
    for (let round = 1; round <= this.#plan.memoryRounds; round++) await this.#measureMemory(names, round)
  }

  /**
   * Everything under load, by new processes: two of the same server differ by up to 20 %, for as long as they live.
   * @param {import('./servers.mjs').ServerName[]} names @param {Scenario[][]} groups @param {number} generation
   */
  async #measureGeneration (names, groups, generation) {
    await this.#bench.play(PLAIN)
    const servers = await Promise.all(names.map(name => this.#bench.startServer(name, PLAIN)))
    for (const group of groups) await this.#measureGroup(await this.#toLanes(group, [this.#bench.upstream, ...servers]), generation)
    await Promise.all(servers.map(server => server.stop()))
  }

  /**
   * Who is measured at what: those that answer right.
   * @param {Scenario[]} group @param {Server[]} servers
   */
  async #toLanes (group, servers) {
    /** @type {Lane[]} */
    const lanes = []
    /** @type {Map<string, string[]>} */
    const complaints = new Map()
    for (const scenario of group) {
      await this.#bench.play(scenario)
      for (const server of servers.filter(({ name }) => isIn(scenario, name))) {
        const trouble = await complaint(server, scenario)
        if (trouble === undefined) lanes.push({ server, scenario })
        else complaints.set(`${server.name} ${trouble}`, [...complaints.get(`${server.name} ${trouble}`) ?? [], scenario.name])
      }
    }
    for (const [trouble, scenarios] of complaints) this.notes.add(`not measured: ${scenarios.join('; ')}, because ${trouble}`)
    return lanes
  }

  /** @param {Lane[]} lanes @param {number} generation */
  async #measureGroup (lanes, generation) {
    const { rounds, pacedRounds } = this.#plan
    const last = lanes.some(({ scenario }) => scenario.isPaced) ? pacedRounds : rounds
    for (let round = 0; round <= last; round++) {
      for (const { server, scenario } of (round + generation) % 2 === 0 ? lanes : inOtherOrder(lanes)) {
        const isWarmUp = round === 0
        this.#tellProgress(`generation ${generation}, ${scenario.name}: ${server.name}, ${isWarmUp ? 'warm-up' : `round ${round}`}`)
        await this.#bench.play(scenario)
        const figures = await this.#bench.measure(server, scenario, this.#toLimits(scenario, isWarmUp))
        if (!isWarmUp) this.#add(scenario.name, server.name, figures)
        if (figures.failures) this.notes.add(`${server.name}, ${scenario.name}, generation ${generation}, round ${round}: ${figures.failures} answers failed, ${figures.answers} did not`)
      }
    }
  }

  /** @param {import('./servers.mjs').ServerName[]} names @param {number} round */
  async #measureStarts (names, round) {
    for (const name of names) {
      this.#tellProgress(`cold start: ${name}, round ${round}`)
      this.#add('cold start', name, await this.#bench.measureStart(name, PLAIN))
    }
  }

  /** @param {import('./servers.mjs').ServerName[]} names @param {number} round */
  async #measureMemory (names, round) {
    const { requests, openSeconds, memorySeconds } = this.#plan
    for (const name of names) {
      this.#tellProgress(`memory: ${name}, round ${round}`)
      const canStream = this.results['streamed']?.[name] !== undefined
      const figures = await this.#bench.measureMemory(name, PLAIN, { requests, openSeconds, seconds: memorySeconds, canStream })
      this.#add('memory', name, figures)
      if (Number(figures.answers) < requests) this.notes.add(`${name}, memory: only ${figures.answers} of ${requests} requests in ${memorySeconds} s`)
    }
  }

  /** @param {Scenario} scenario @param {boolean} isWarmUp */
  #toLimits ({ isPaced, answer, lanes }, isWarmUp) {
    const { warmUpRequests, seconds, pacedSeconds } = this.#plan
    if (isPaced) {
      // Streams that begin one after the other do not all wait for their first token at the same time. That they begin over
      // one frame more than they have spreads them over a frame's time: else they all send at four moments of it, fifty at once.
      const rampMs = (answer.chunks + 1) * answer.paceUs / 1_000
      // Nobody asks after the time is up: a warm-up is one stream on each connection.
      return { seconds: isWarmUp ? rampMs / 1_000 : pacedSeconds, rampMs }
    }
    if (!isWarmUp) return { seconds }
    if (lanes !== 'all') return { seconds: seconds / 2 }
    return { seconds: WARM_UP_SECONDS, answers: answer.chunks === 0 ? warmUpRequests : warmUpRequests / REQUESTS_PER_STREAM }
  }

  /** @param {string} scenario @param {string} server @param {import('./measure.mjs').Figures} figures */
  #add (scenario, server, figures) {
    const byServer = this.results[scenario] ??= {}
    const rounds = byServer[server] ??= []
    rounds.push(figures)
  }
}

/**
 * The same with the servers of each scenario the other way round: a server that has just rested costs more, so each rests
 * for long as often as the others do.
 * @param {Lane[]} lanes
 */
function inOtherOrder (lanes) {
  const scenarios = [...new Set(lanes.map(({ scenario }) => scenario))]
  return scenarios.flatMap(scenario => {
    const some = lanes.filter(lane => lane.scenario === scenario)
    return [...some.filter(isDirect), ...some.filter(lane => !isDirect(lane)).reverse()]
  })
}

/** @param {Lane} lane */
function isDirect ({ server }) {
  return server.name === 'upstream'
}

/** @param {Scenario} scenario @param {Server['name']} name */
function isIn ({ lanes }, name) {
  return lanes === 'all' || name === 'ours' || (lanes === 'servers' && name !== 'upstream')
}
