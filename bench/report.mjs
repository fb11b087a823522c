/** The report: the rows as a markdown table, and what must be known to read it. */
import { METRICS, ROWS } from './rows.mjs'

/** @typedef {Record<string, Record<string, import('./measure.mjs').Figures[]>>} Results by scenario and server, a round each */

const ABSENT = '–'

/**
 * Medians over the rounds for each server; what is judged is the median of the rounds' own ratios.
 * @param {Results} results
 * @param {string[]} servers
 * @param {import('./rows.mjs').Row[]} [rows]
 */
export function toTable (results, servers, rows = ROWS) {
  const head = ['', ...servers, 'ratio or value', 'must', 'goal', '']
  const lines = rows.map(row => [
    row.name,
    ...servers.map(server => toFigure(results, row, server)),
    ...toVerdict(row, median(perRound(results, row.scenario, row.judge)))
  ])
  return [head, head.map((_, index) => index === 0 ? '---' : '--:'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/**
 * What load and upstream are able to with nothing in between: what they could not keep up with would tell nothing.
 * @param {Results} results
 */
export function toCapacity (results) {
  const [plain, streamed, paced] = ['plain', 'streamed', 'paced'].map(scenario => (/** @type {(figures: import('./measure.mjs').Figures) => number} */ figure) =>
    median((results[scenario]?.['upstream'] ?? []).map(figure)))
  return `Upstream and load with nothing in between: ${tell(plain?.(METRICS.requestRate.of), ' requests/s')}, ${tell(streamed?.(METRICS.chunkRate.of), ' chunks/s')}, ` +
    `a delay per paced chunk of ${tell(paced?.(({ delayP50 }) => delayP50), ' ms')} (p50) and ${tell(paced?.(({ delayP99 }) => delayP99), ' ms')} (p99).`
}

/** @param {Results} results @param {import('./rows.mjs').Row} row @param {string} server */
function toFigure (results, { scenario, metric }, server) {
  if (metric === undefined) return ''
  return tell(median(perRound(results, scenario, figureOf => figureOf(scenario, server, metric))), ` ${metric.unit}`)
}

/** @param {import('./rows.mjs').Row} row @param {number} value */
function toVerdict ({ unit, must, goal, isMoreBetter = false }, value) {
  const holds = (/** @type {number} */ limit) => isMoreBetter ? value >= limit : value <= limit
  const limit = (/** @type {number | undefined} */ limit) => limit === undefined ? '' : `${isMoreBetter ? '≥' : '≤'} ${limit}${unit}`
  const verdict = () => {
    if (must === undefined) return ''
    if (!Number.isFinite(value)) return 'not measured'
    if (!holds(must)) return '**miss**'
    return goal !== undefined && holds(goal) ? 'goal' : 'pass'
  }
  return [tell(value, unit), limit(must), limit(goal), verdict()]
}

/**
 * @param {Results} results @param {string} scenario @param {(figureOf: import('./rows.mjs').FigureOf) => number} value
 * @returns {number[]} without the rounds that have none
 */
function perRound (results, scenario, value) {
  const rounds = Math.max(0, ...Object.values(results[scenario] ?? {}).map(({ length }) => length))
  return Array.from({ length: rounds }, (_, round) => value((scenario, server, metric) => {
    const figures = results[scenario]?.[server]?.[round]
    return figures === undefined ? NaN : metric.of(figures, results[scenario]?.['upstream']?.[round] ?? {})
  })).filter(Number.isFinite)
}

/** @param {number[]} values @returns {number} NaN of none */
function median (values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return ((sorted[middle] ?? NaN) + (sorted[sorted.length - 1 - middle] ?? NaN)) / 2
}

/** @param {number} [value] @param {string} [unit] */
function tell (value = NaN, unit = '') {
  if (!Number.isFinite(value)) return ABSENT
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 ? 2 : 3
  return `${value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`
}
