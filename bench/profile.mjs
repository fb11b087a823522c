/** Where the CPU goes: V8's sampling profile of our server under load, and the functions that take the most of it. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { plain } from './scenarios.mjs'

const ROOT = new URL('../', import.meta.url).href
const TOP = 15
const PLAIN = plain('plain')

/**
 * Profiles our server at one scenario.
 * @param {import('./measure.mjs').Bench} bench
 * @param {import('./scenarios.mjs').Scenario} scenario
 * @param {number} seconds
 * @returns {Promise<string>} the functions that took the most, as a markdown table; the profile itself stays on disk
 */
export async function profile (bench, scenario, seconds) {
  const directory = mkdtempSync(join(tmpdir(), 'workers-ai-proxy-profile-'))
  await bench.play(PLAIN)
  const server = await bench.startServer('ours', PLAIN, ['--cpu-prof', `--cpu-prof-dir=${directory}`])
  await bench.play(scenario)
  await bench.measure(server, scenario, { seconds })
  await server.stop()
  const [file = ''] = readdirSync(directory)
  const path = join(directory, file)
  const lines = selfTimes(JSON.parse(readFileSync(path, 'utf8'))).slice(0, TOP).map(({ name, share }) => `| ${(share * 100).toFixed(1)} % | ${name} |`)
  return [`### ${scenario.name}: self time`, '', '| share | function |', '|--:|---|', ...lines, '', `Profile: ${pathToFileURL(path)}`].join('\n')
}

/**
 * @typedef {{ functionName: string, url: string, lineNumber: number }} Frame
 * @typedef {{ id: number, callFrame: Frame, children?: number[] }} Node
 */

/**
 * The share of each function in the time that was not idle, the largest first.
 * @param {{ nodes: Node[], samples: number[], timeDeltas: number[] }} profile
 */
function selfTimes ({ nodes, samples, timeDeltas }) {
  const callers = new Map(nodes.flatMap(node => (node.children ?? []).map(child => [child, node.callFrame])))
  const names = new Map(nodes.map(({ id, callFrame }) => [id, toName(callFrame, callers.get(id))]))
  /** @type {Map<string, number>} */
  const times = new Map()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    if (name !== '(idle)') times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  const all = [...times.values()].reduce((sum, time) => sum + time, 0)
  return [...times].map(([name, time]) => ({ name, share: time / all })).sort((a, b) => b.share - a.share)
}

/** @param {Frame} frame @param {Frame} [caller] */
function toName ({ functionName, url, lineNumber }, caller) {
  if (url === '') return functionName || `native code of ${caller?.functionName}`
  return `${functionName || '(anonymous)'} ${url.replace(ROOT, '')}:${lineNumber + 1}`
}
