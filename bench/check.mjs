/** Whether a server answers right; one that does not is not timed. */
import { ask } from './client.mjs'

/** Those that hand on what they hear, byte by byte. */
const VERBATIM = new Set(['upstream', 'pass-through', 'nginx'])

/**
 * Asks a server once, as the load will, and compares its answer with what the upstream said.
 * @param {import('./servers.mjs').Server} server
 * @param {import('./scenarios.mjs').Scenario} scenario the upstream has been told its answer
 * @returns {Promise<string | undefined>} what is wrong, if anything is
 */
export async function complaint (server, { body, answer, choices }) {
  const { status, body: told } = await ask(server, body)
  const heard = told.replace(/~\d{16}/g, `~${'0'.repeat(16)}`)
  if (status !== 200) return `answers ${status}: ${heard.slice(0, 120)}`
  if (VERBATIM.has(server.name)) return heard === answer.body ? undefined : 'does not pass the bytes as they are'
  try {
    const texts = answer.chunks === 0 ? textsOf(JSON.parse(heard)) : textsOfStream(heard, answer.chunks * choices)
    return texts.length === choices && texts.every(text => text === answer.text) ? undefined : 'says something else than the model'
  } catch (error) {
    return `${/** @type {Error} */ (error).message}: ${heard.slice(0, 120)}`
  }
}

/** @param {{ choices: Array<{ message: { content: string } }> }} completion */
function textsOf ({ choices }) {
  return choices.map(({ message }) => message.content)
}

/**
 * @param {string} stream
 * @param {number} expected chunks that bear text: many fewer would be less work, but a stage may hold a token for the next
 */
function textsOfStream (stream, expected) {
  const events = stream.split('\n\n').filter(event => event.startsWith('data: ')).map(event => event.slice('data: '.length))
  if (events.pop() !== '[DONE]') throw new Error('does not end with [DONE]')
  const deltas = events.flatMap(event => JSON.parse(event).choices).filter(({ delta }) => delta.content)
  if (deltas.length < expected * 0.9) throw new Error(`sends ${deltas.length} chunks for ${expected}`)
  /** @type {string[]} */
  const texts = []
  for (const { index, delta } of deltas) texts[index] = (texts[index] ?? '') + delta.content
  return texts
}
