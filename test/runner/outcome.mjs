/** Reads what a run of tests has written, and lists what failed: a log is often kept by its last lines alone. */
import { Parser } from 'tap-parser'

/** Failures that are listed, and lines of each that are shown. */
const MAX_FAILURES = 40
const MAX_LINES = 12

/**
 * @typedef {object} Failure
 * @property {string} place file and line of the source, when they are known
 * @property {string[]} names of the tests around the assertion, and its own
 * @property {string[]} details how it failed, in lines
 */

/**
 * @typedef {object} Outcome
 * @property {number} passed assertions
 * @property {number} failed
 * @property {number} skipped
 * @property {Failure[]} failures
 * @property {string[]} ended what tap has run, by its path
 */

/**
 * @param {import('node:stream').Readable} tap what tap has printed
 * @returns {Promise<Outcome>} once it ends
 */
export async function readOutcome (tap) {
  /** @type {Outcome} */
  const outcome = { passed: 0, failed: 0, skipped: 0, failures: [], ended: [] }
  const parser = new Parser()
  parser.on('assert', ({ name }) => outcome.ended.push(name))
  listen(parser)
  const ended = new Promise(resolve => parser.on('complete', resolve))
  for await (const text of tap.setEncoding('utf8')) parser.write(text)
  parser.end()
  await ended
  return outcome

  /** A test fails by an assertion inside it, which is listed in its place, or by itself, as one does that takes too long. */
  function listen (parser) {
    let listedBefore
    parser.on('child', child => {
      listedBefore = outcome.failures.length
      listen(child)
    })
    parser.on('assert', result => {
      const { ok, skip, todo } = result
      const [isTest, isListed] = [listedBefore !== undefined, outcome.failures.length > listedBefore]
      listedBefore = undefined
      if (skip) outcome.skipped++
      else if (ok && !isTest) outcome.passed++
      else if (!ok && !todo && !isListed) {
        outcome.failed++
        outcome.failures.push(toFailure(result))
      }
    })
  }
}

/** @returns {Failure} */
function toFailure ({ fullname, diag }) {
  const { at, diff, error, message, exitCode, signal, found, wanted } = diag ?? {}
  const place = at?.fileName === undefined ? '' : `${at.fileName}:${at.lineNumber}`
  // Neither what was built nor the file that the place names.
  const names = fullname.split(' > ').filter(name => !/(?:^|\/)(?:\.built|\.tap)\//.test(name) && name !== at?.fileName)
  const told = { error, message, exitCode, signal, ...(diff === undefined && { found, wanted }) }
  const details = Object.entries(told).flatMap(([name, value]) => value === undefined || value === null ? [] : [`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`])
  const lines = [...details, ...(diff ?? '').split('\n').filter(line => !/^(?:---|\+\+\+|@@|$)/.test(line))].flatMap(line => line.split('\n')).map(line => line.slice(0, 300))
  return { place, names: names.length > 0 ? names : [fullname], details: lines.length > MAX_LINES ? [...lines.slice(0, MAX_LINES), '…'] : lines }
}

/**
 * @param {Outcome} outcome
 * @param {number} exitCode of the run
 * @returns {string} what failed, and how many assertions passed and failed in the last line
 */
export function toReport ({ passed, failed, skipped, failures }, exitCode) {
  const shown = failures.slice(0, MAX_FAILURES).flatMap(({ place, names, details }) => ['', `${place}  ${names.join(' > ')}`.trim(), ...details.map(line => `    ${line}`)])
  const more = failures.length > MAX_FAILURES ? ['', `and ${failures.length - MAX_FAILURES} more`] : []
  const list = failures.length > 0 ? ['', '== what failed', ...shown, ...more, ''] : []
  const unknown = failures.length === 0 && exitCode !== 0 ? [`The run ended with exit code ${exitCode}, and nothing that failed.`] : []
  return [...list, ...unknown, `${passed} passed, ${failed} failed, ${skipped} skipped`].join('\n')
}
