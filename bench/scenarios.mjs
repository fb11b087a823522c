/** What is measured: what the client asks, what the upstream answers, how many ask at a time. */
import { CLASSIC_MODEL, OPENAI_MODEL, plainAnswer, streamedAnswer } from './answers.mjs'

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {object} body of the request
 * @property {import('./answers.mjs').Answer} answer
 * @property {number} choices answers in one: OpenAI's `n`
 * @property {number} connections
 * @property {'all' | 'servers' | 'ours'} lanes who is measured: servers and the upstream alone, servers, or only ours
 * @property {boolean} isPaced frames come as a model writes them, not as fast as they can
 */

/** Cloudflare sends each frame in an HTTP chunk of its own; a proxy in between may join them. */
const JOINED_FRAMES = 32
const PER_SECOND = 50
const PACED_STREAMS = 200

const messages = [
  { role: 'system', content: 'You are a helpful assistant. Answer briefly.' },
  { role: 'user', content: 'What does a proxy do, and why would anybody want one?' }
]

const tools = ['get_weather', 'search_web', 'send_mail'].map(name => ({
  type: 'function',
  function: {
    name,
    description: `Does what ${name} says.`,
    parameters: { type: 'object', properties: { query: { type: 'string', description: 'What it is about.' } }, required: ['query'] }
  }
}))

/**
 * @typedef {object} Variant
 * @property {string} name
 * @property {{ model?: string, n?: number, tools?: object[], stop?: string[] }} [rest] what the request says beside its messages
 * @property {import('./answers.mjs').Shape} [shape] of the frames
 * @property {boolean} plain measured as a plain request, too
 */

/**
 * What may cost our server more than the plain case.
 * @type {Variant[]}
 */
export const VARIANTS = [
  { name: 'tools offered', rest: { tools }, plain: true },
  { name: 'stop', rest: { stop: ['\n\nUser:', '<|end|>'] }, plain: true },
  { name: 'n = 2', rest: { n: 2 }, plain: true },
  { name: 'OpenAI-shaped', rest: { model: OPENAI_MODEL }, plain: true },
  { name: 'empty tool_calls in each frame', shape: 'classic with empty tool_calls', plain: false }
]

/**
 * What variants are compared with, measured once more beside them.
 * @type {Variant}
 */
const AGAIN = { name: 'again', plain: true }

/** Sizes of a history, in KB. */
export const HISTORIES = [1, 10, 100, 1_000]
/** Lengths of a stream, in chunks. */
export const LENGTHS = [10, 100, 1_000, 10_000]

/**
 * The scenarios in the order they are measured; those of a group are measured in turns, because they are compared.
 * @param {{ pacedChunks: number }} options length of a paced stream
 * @returns {Scenario[][]}
 */
export function toGroups ({ pacedChunks }) {
  return [
    [{ ...plain('plain'), lanes: 'all' }],
    [{ ...streamed('streamed', 1_000), lanes: 'all' }],
    [streamed('streamed, joined', 1_000, { framesPerHttpChunk: JOINED_FRAMES })],
    [{ ...streamed('paced', pacedChunks, { perSecond: PER_SECOND }), connections: PACED_STREAMS, isPaced: true, lanes: 'all' }],
    HISTORIES.map(size => ({ ...plain(`history of ${size} KB`, { messages: toHistory(size) }), connections: 8 })),
    LENGTHS.map(chunks => streamed(`stream of ${chunks} chunks`, chunks)),
    [AGAIN, ...VARIANTS].flatMap(({ name, rest, shape, plain: isPlainToo }) => [
      ...(isPlainToo ? [plain(`plain, ${name}`, rest)] : []),
      streamed(`streamed, ${name}`, 1_000, shape && { shape }, rest)
    ]).map(scenario => ({ ...scenario, lanes: 'ours' }))
  ]
}

/**
 * A stream that goes on for a while, for counting what an open one costs.
 * @param {number} seconds
 */
export function toOpenStream (seconds) {
  return streamed('open streams', seconds * 2, { perSecond: 2 })
}

/**
 * @param {string} name
 * @param {{ model?: string, n?: number, [name: string]: unknown }} [rest] of the request
 * @returns {Scenario}
 */
export function plain (name, rest = {}) {
  return {
    name,
    body: { model: CLASSIC_MODEL, messages, ...rest },
    answer: plainAnswer(rest.model === OPENAI_MODEL ? 'openai' : 'classic'),
    choices: rest.n ?? 1,
    connections: 32,
    lanes: 'servers',
    isPaced: false
  }
}

/**
 * @param {string} name
 * @param {number} chunks
 * @param {{ shape?: import('./answers.mjs').Shape, framesPerHttpChunk?: number, perSecond?: number }} [frames]
 * @param {{ model?: string, n?: number, [name: string]: unknown }} [rest] of the request
 * @returns {Scenario}
 */
function streamed (name, chunks, { shape, ...pace } = {}, rest = {}) {
  const answer = streamedAnswer(shape ?? (rest.model === OPENAI_MODEL ? 'openai' : 'classic'), chunks, pace)
  return { ...plain(name, rest), body: { model: CLASSIC_MODEL, messages, stream: true, ...rest }, answer, connections: 16 }
}

/** @param {number} kilobytes of JSON */
function toHistory (kilobytes) {
  const content = 'A proxy sits between "clients" and servers.\nIt speaks for one to the other, and keeps what it learns to itself. '.repeat(4)
  const pair = [{ role: 'user', content }, { role: 'assistant', content }]
  const pairs = Math.max(1, Math.round(kilobytes * 1_000 / JSON.stringify(pair).length))
  return [...Array.from({ length: pairs }, () => pair).flat(), { role: 'user', content: 'And then?' }]
}
