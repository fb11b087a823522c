import { callServer } from '../server/call-server.ts'
import { ServerError, toStreamError } from '../server/server-error.ts'
import { readEvents } from '../server/server-events.ts'
import { Store } from '../shell/store.ts'
import { Answer } from './answer.ts'
import { SettingError, toChatRequest } from './chat-request.ts'
import { chatSettings } from './chat-settings.ts'
import type { AttachedImage, Turn } from './turns.ts'

interface Conversation {
  turns: readonly Turn[]
  isRunning: boolean
  /** Why the last request could not even be made. */
  problem?: string | undefined
}

/** What a person is about to send. It stays while another view is looked at. */
interface Draft {
  text: string
  images: readonly AttachedImage[]
}

/** The last request of this page and its answer, for the view of the translation. */
export interface Exchange {
  body: Record<string, unknown>
  answer: Answer
}

export const conversation = new Store<Conversation>({ turns: [], isRunning: false })
export const draft = new Store<Draft>({ text: '', images: [] })
export const lastExchange = new Store<Exchange | undefined>(undefined)

let running: AbortController | undefined

export function ask (text: string, images: readonly AttachedImage[]): Promise<void> {
  return run([...conversation.value.turns, { role: 'user', text, images }])
}

export function sendToolResults (results: ReadonlyArray<{ id: string, content: string }>): Promise<void> {
  return run([...conversation.value.turns, { role: 'tool', results }])
}

/** Asks for the last answer once more. */
export function tryAgain (): Promise<void> {
  const { turns } = conversation.value
  return run(turns.at(-1)?.role === 'assistant' ? turns.slice(0, -1) : turns)
}

export function stop (): void {
  running?.abort()
}

export function startAnew (): void {
  stop()
  conversation.set({ turns: [], isRunning: false })
}

/** Never rejects: what goes wrong stands in the answer. */
async function run (turns: readonly Turn[]): Promise<void> {
  if (conversation.value.isRunning) return
  const { model, stream } = chatSettings.value
  let body: Record<string, unknown>
  try {
    body = toChatRequest(chatSettings.value, turns)
  } catch (error) {
    conversation.patch({ problem: error instanceof SettingError ? error.message : 'The request could not be made.' })
    return
  }
  const answer = new Answer()
  const controller = running = new AbortController()
  conversation.set({ turns: [...turns, { role: 'assistant', answer }], isRunning: true })
  lastExchange.set({ body, answer })
  try {
    await fetchAnswer(answer, { text: JSON.stringify(body), model, stream, signal: controller.signal })
  } catch (error) {
    if (controller.signal.aborted) answer.stop()
    else answer.fail(error instanceof ServerError ? error : toStreamError({ message: 'The connection broke before the answer was complete.' }))
  }
  // A conversation that was begun anew since then is not this one's to change.
  if (running === controller) conversation.patch({ isRunning: false })
}

interface Asked {
  /** The body as JSON. */
  text: string
  model: string
  stream: boolean
  signal: AbortSignal
}

async function fetchAnswer (answer: Answer, { text, model, stream, signal }: Asked): Promise<void> {
  // A server that can tells Cloudflare's own frames with the chunks.
  const headers: Record<string, string> = stream ? { 'x-native-frames': 'true' } : {}
  const response = await callServer('v1/chat/completions', { body: text, signal, headers })
  answer.readHeaders(response.headers, model)
  if (stream) await readEvents(response, events => answer.readEvents(events))
  else answer.readWhole(await response.json())
  answer.end()
}
