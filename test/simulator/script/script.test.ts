import { readFileSync } from 'node:fs'
import t from 'tap'
import { findOrder, SCRIPTS, toScript, type Script } from '../../../src/simulator/script/script.ts'

const nothing: Script = { calls: [], leaks: [] }
const cases: Array<{ name: string, given: string, expected: Partial<Script> }> = [
  { name: 'ordinary words order nothing', given: 'What would you say to a stall?', expected: {} },
  { name: 'no words order nothing', given: '', expected: {} },
  { name: 'say takes all the rest as it stands', given: 'Say fail with code 3040,\n then  stop ', expected: { say: 'fail with code 3040,\n then  stop ' } },
  { name: 'a number of words', given: 'say 3 words', expected: { say: 'alpha bravo cedar' } },
  { name: 'a number of tokens', given: 'repeat 12 tokens', expected: { say: 'alpha bravo cedar delta ember frost grove haven ivory jewel alpha bravo' } },
  { name: 'thoughts before words', given: 'think about it then say yes', expected: { think: 'about it', say: 'yes' } },
  { name: 'thoughts in tags', given: 'think hard as tags then say yes', expected: { think: 'hard', thinkAs: 'tags', say: 'yes' } },
  { name: 'thoughts in tags that are open already', given: 'Think hard as Open-Tags then say yes', expected: { think: 'hard', thinkAs: 'open-tags', say: 'yes' } },
  { name: 'thoughts about other forms', given: 'think as fast as you can then say yes', expected: { think: 'as fast as you can', say: 'yes' } },
  { name: 'JSON that does not fit', given: 'answer bad json', expected: { badJson: 'always' } },
  { name: 'JSON that fits at last', given: 'answer bad JSON then good JSON', expected: { badJson: 'once' } },
  { name: 'JSON that does not fit, and a pace', given: 'answer bad json then slowly', expected: { badJson: 'always', slowly: true } },
  { name: 'no call at first', given: 'refuse to call', expected: { refusal: 'once' } },
  { name: 'no call at all', given: 'never call, say no', expected: { refusal: 'always', say: 'no' } },
  { name: 'no queue', given: 'be busy and say hi', expected: { busy: true, say: 'hi' } },
  { name: 'a call with arguments as they stand', given: 'call tool f with {"a": {"b": "}"}}', expected: { calls: [{ name: 'f', arguments: '{"a": {"b": "}"}}' }] } },
  { name: 'a call without arguments', given: 'please call tool get_weather.', expected: { calls: [{ name: 'get_weather' }] } },
  { name: 'calls at once', given: 'call tool f with {"a":1} and call tool g', expected: { calls: [{ name: 'f', arguments: '{"a":1}' }, { name: 'g' }] } },
  { name: 'broken arguments go to the end', given: 'call tool f with {"a": and more', expected: { calls: [{ name: 'f', arguments: '{"a": and more' }] } },
  { name: 'a leak', given: 'leak tool f with {}', expected: { leaks: [{ name: 'f', arguments: '{}' }] } },
  { name: 'a leak in a form', given: 'leak tool f with {"a":1} as python_tag', expected: { leaks: [{ name: 'f', arguments: '{"a":1}', form: 'python_tag' }] } },
  { name: 'a leak in a form without arguments', given: 'leak tool f as Fence', expected: { leaks: [{ name: 'f', form: 'fence' }] } },
  { name: 'a leak in a form nobody knows', given: 'leak tool f with {} as yaml', expected: { leaks: [{ name: 'f', arguments: '{}' }] } },
  { name: 'leaks in several forms', given: 'leak tool f with {} as json and leak tool g as array, slowly', expected: { leaks: [{ name: 'f', arguments: '{}', form: 'json' }, { name: 'g', form: 'array' }], slowly: true } },
  { name: 'a failure', given: 'fail with code 3040', expected: { failure: { code: 3040, in200: false } } },
  { name: 'a failure under 200', given: 'fail with code 3040 as 200', expected: { failure: { code: 3040, in200: true } } },
  { name: 'a failure by status', given: 'fail with 503', expected: { failure: { code: 503, in200: false } } },
  { name: 'failures that pass', given: 'fail 2 times with code 3040 then say ok', expected: { failure: { code: 3040, in200: false, times: 2 }, say: 'ok' } },
  { name: 'decorated names', given: 'decorate names, call tool f', expected: { decoratesNames: true, calls: [{ name: 'f' }] } },
  { name: 'marks in arguments', given: 'mark arguments and call tool f', expected: { marksArguments: true, calls: [{ name: 'f' }] } },
  { name: 'arguments without a call', given: 'leave out the call', expected: { leavesOutCall: true } },
  { name: 'no messages', given: 'refuse messages, say hi', expected: { refusesMessages: true, say: 'hi' } },
  { name: 'silence', given: 'stall', expected: { stall: true } },
  { name: 'silence in a stream', given: 'stall after 3 frames, say hi', expected: { fault: { kind: 'stall', after: 3 }, say: 'hi' } },
  { name: 'a break', given: 'break after 1 frame', expected: { fault: { kind: 'break', after: 1 } } },
  { name: 'an end', given: 'end after 0 frames', expected: { fault: { kind: 'end', after: 0 } } },
  { name: 'an error frame', given: 'Error frame after 2 frames', expected: { fault: { kind: 'error', after: 2 } } },
  { name: 'a bad frame', given: 'bad frame after 2 frames', expected: { fault: { kind: 'bad', after: 2 } } },
  { name: 'several orders in a row', given: 'slowly, empty stream and answer json to stream', expected: { slowly: true, emptyStream: true, jsonToStream: true } }
]
for (const { name, given, expected } of cases) t.strictSame(toScript(given), { ...nothing, ...expected }, name)

const wrapped: Array<{ name: string, given: string, lastPart?: string, expected: string }> = [
  { name: 'a message that begins with words', given: 'say a\nsay b', expected: 'say a\nsay b' },
  { name: 'words on the last line', given: 'Some context.\n\nsay b', expected: 'say b' },
  { name: 'with white space around them', given: 'Some context.\n  please say b  \n\n', expected: '  please say b' },
  { name: 'words between tags', given: '<user_query>\nsay a\nb\n</user_query>\n', expected: 'say a\nb' },
  { name: 'between tags of one line', given: 'Context\n<task>call tool f with {"a": "</b>"}</task>', expected: 'call tool f with {"a": "</b>"}' },
  { name: 'in the last text part', given: 'Context\nsay a\nb', lastPart: 'say a\nb', expected: 'say a\nb' },
  { name: 'at its end', given: 'Context\nMore\nstall', lastPart: 'More\nstall', expected: 'stall' },
  { name: 'no words', given: 'Context\nWhat would you say to that?', expected: 'Context\nWhat would you say to that?' },
  { name: 'words on another line', given: 'say\nsay a\nb', lastPart: 'b', expected: 'say\nsay a\nb' },
  { name: 'nothing', given: '', expected: '' }
]
for (const { name, given, lastPart, expected } of wrapped) t.equal(findOrder(given, lastPart), expected, name)

const page = readFileSync(new URL('../../../docs/simulator.md', import.meta.url), 'utf8')
for (const { words, effect } of SCRIPTS) {
  const row = `| ${words} | ${effect} |`.replaceAll('<|', '<\\|').replaceAll('|>', '\\|>')
  t.ok(page.includes(`\n${row}\n`), `docs/simulator.md has the row ${row}`)
}
t.ok(SCRIPTS.every(({ words, effect }) => words !== '' && effect !== ''), 'every phrase is explained')
t.equal(new Set(SCRIPTS.map(({ words }) => words)).size, SCRIPTS.length, 'no phrase is explained twice')
