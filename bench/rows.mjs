/** The rows of the report: what is told of the measurements, and what it must be. */
import { HISTORIES, LENGTHS, VARIANTS } from './scenarios.mjs'

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} scenario whose figures are told
 * @property {Metric} [metric] what is told of them for each server, if anything
 * @property {(figureOf: FigureOf) => number} judge what the limits are for, in one round
 * @property {string} unit of what is judged
 * @property {number} [must] at most; at least where more is better
 * @property {number} [goal]
 * @property {boolean} [isMoreBetter]
 *
 * @typedef {Pick<Row, 'must' | 'goal' | 'isMoreBetter'>} Limits
 * @typedef {(scenario: string, server: string, metric: Metric) => number} FigureOf one round's; NaN where nothing was measured
 *
 * @typedef {object} Metric
 * @property {string} unit
 * @property {(figures: Figures, direct: Figures) => number} of `direct` is the same without a server in between
 *
 * @typedef {import('./measure.mjs').Figures} Figures
 */

/** @satisfies {Record<string, Metric>} */
export const METRICS = {
  cpuPerRequest: { unit: 'ms', of: ({ cpuMs, answers }) => cpuMs / answers },
  cpuPerChunk: { unit: 'µs', of: ({ cpuMs, chunks }) => cpuMs * 1_000 / chunks },
  requestRate: { unit: '/s', of: ({ answers, seconds }) => answers / seconds },
  chunkRate: { unit: '/s', of: ({ chunks, seconds }) => chunks / seconds },
  delayP50: { unit: 'ms', of: ({ delayP50 }, direct) => delayP50 - direct.delayP50 },
  delayP99: { unit: 'ms', of: ({ delayP99 }, direct) => delayP99 - direct.delayP99 },
  firstP50: { unit: 'ms', of: ({ firstP50 }, direct) => firstP50 - direct.firstP50 },
  coldStart: { unit: 'ms', of: ({ startMs }) => startMs },
  idleMb: { unit: 'MB', of: ({ idleMb }) => idleMb },
  openMb: { unit: 'MB', of: ({ openMb }) => openMb },
  usedMb: { unit: 'MB', of: ({ usedMb }) => usedMb }
}
const { cpuPerRequest, cpuPerChunk, requestRate, chunkRate, delayP50, delayP99, firstP50, coldStart, idleMb, openMb, usedMb } = METRICS

/** @type {Row[]} */
export const ROWS = [
  compared('plain request, CPU', 'plain', cpuPerRequest, { must: 1, goal: 0.75 }),
  compared('plain request, throughput', 'plain', requestRate, { must: 1, goal: 1.4, isMoreBetter: true }),
  compared('streamed chunk at saturation, CPU', 'streamed', cpuPerChunk, { must: 1, goal: 0.55 }),
  compared('streamed chunk at saturation, throughput', 'streamed', chunkRate, { isMoreBetter: true }),
  compared('the same, 32 of them in an HTTP chunk, CPU', 'streamed, joined', cpuPerChunk),
  compared('streamed chunk, 200 streams at 50/s, CPU', 'paced', cpuPerChunk, { must: 1.05, goal: 0.9 }),
  compared('added delay per chunk, p50', 'paced', delayP50, { must: 1.3, goal: 1 }),
  compared('added delay per chunk, p99', 'paced', delayP99, { must: 1.5, goal: 1 }),
  compared('added time to first token, p50', 'paced', firstP50, { must: 1.5, goal: 1 }),
  ...HISTORIES.map(size => compared(`history of ${size} KB, CPU`, `history of ${size} KB`, cpuPerRequest, size === 1_000 ? { must: 6, goal: 2.5 } : {})),
  grown('growth: one more KB of history, above 100 KB to below', [10, 100, 1_000], size => `history of ${size} KB`),
  ...LENGTHS.map(chunks => compared(`stream of ${chunks} chunks, CPU`, `stream of ${chunks} chunks`, cpuPerChunk)),
  grown('growth: one more chunk of a stream, above 1,000 to below', [10, 1_000, 10_000], chunks => `stream of ${chunks} chunks`),
  compared('cold start to first answer', 'cold start', coldStart, { must: 1.5, goal: 0.8 }),
  absolute('RSS at rest', idleMb, { must: 100, goal: 65 }),
  absolute('RSS of 1,000 open streams', openMb, { must: 60, goal: 35 }),
  absolute('RSS after many plain requests', usedMb),
  ...VARIANTS.flatMap(({ name, plain }) => [
    ...(plain ? [toOwn(`plain request, ${name}, to ours without`, `plain, ${name}`, cpuPerRequest, 'plain, again')] : []),
    toOwn(`streamed chunk, ${name}, to ours without`, `streamed, ${name}`, cpuPerChunk, 'streamed, again')
  ]),
  compared('plain request, CPU, to Portkey\'s', 'plain', cpuPerRequest, { must: 0.1, goal: 0.05 }, 'portkey'),
  compared('streamed chunk at saturation, CPU, to Portkey\'s', 'streamed', cpuPerChunk, { must: 0.1, goal: 0.05 }, 'portkey')
]

/**
 * Ours on two cores to ours on one.
 * @type {Row[]}
 */
export const WORKER_ROWS = [
  byWorkers('plain request, throughput', 'plain', requestRate, { isMoreBetter: true }),
  byWorkers('plain request, CPU', 'plain', cpuPerRequest),
  byWorkers('streamed chunk at saturation, throughput', 'streamed', chunkRate, { isMoreBetter: true }),
  byWorkers('streamed chunk at saturation, CPU', 'streamed', cpuPerChunk)
]

/** @param {string} name @param {string} scenario @param {Metric} metric @param {Limits} [limits] @returns {Row} */
function byWorkers (name, scenario, metric, limits = {}) {
  return { name, scenario, metric, unit: '×', judge: figureOf => figureOf(scenario, 'ours, 2 workers', metric) / figureOf(scenario, 'ours', metric), ...limits }
}

/**
 * Ours to another server's.
 * @param {string} name @param {string} scenario @param {Metric} metric @param {Limits} [limits] @param {string} [other]
 * @returns {Row}
 */
function compared (name, scenario, metric, limits = {}, other = 'pass-through') {
  return { name, scenario, metric, unit: '×', judge: figureOf => figureOf(scenario, 'ours', metric) / figureOf(scenario, other, metric), ...limits }
}

/**
 * Ours with something more to ours without it.
 * @param {string} name @param {string} scenario @param {Metric} metric @param {string} without
 * @returns {Row}
 */
function toOwn (name, scenario, metric, without) {
  return { name, scenario, metric, unit: '×', judge: figureOf => figureOf(scenario, 'ours', metric) / figureOf(without, 'ours', metric), must: 2.5 }
}

/**
 * Ours alone.
 * @param {string} name @param {Metric} metric @param {Limits} [limits]
 * @returns {Row}
 */
function absolute (name, metric, limits = {}) {
  return { name, scenario: 'memory', metric, unit: ' MB', judge: figureOf => figureOf('memory', 'ours', metric), ...limits }
}

/**
 * What one more costs where there are many, to what it costs where there are few: 1 when all cost the same.
 * @param {string} name @param {[number, number, number]} sizes ascending @param {(size: number) => string} scenarioOf
 * @returns {Row}
 */
function grown (name, [few, some, many], scenarioOf) {
  return {
    name,
    scenario: scenarioOf(many),
    unit: '×',
    judge: figureOf => {
      const [low, middle, high] = [few, some, many].map(size => figureOf(scenarioOf(size), 'ours', cpuPerRequest))
      return (high - middle) / (many - some) / ((middle - low) / (some - few))
    },
    must: 1.15,
    goal: 1
  }
}
