import type { Test } from 'tap'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/server.ts'

/** 1 November 2026, midnight UTC; answers are dated 1793491200. */
export const NOW = Date.UTC(2026, 10, 1)

export const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
export const LLAMA_4 = '@cf/meta/llama-4-scout-17b-16e-instruct'
export const MISTRAL = '@cf/mistralai/mistral-small-3.1-24b-instruct'
export const QWEN = '@cf/qwen/qwen3-30b-a3b-fp8'
export const KIMI = '@cf/moonshotai/kimi-k2.6'
export const GPT_OSS = '@cf/openai/gpt-oss-20b'

/** A simulator of the test's own, at a fixed time, gone when the test is over. */
export async function start (t: Test, options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({ now: () => NOW, ...options })
  t.teardown(() => simulator.close())
  return simulator
}

/** Runs a model as Cloudflare's REST API is asked to. */
export function ask (simulator: Simulator, model: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${simulator.url}/accounts/${simulator.accountId}/ai/run/${model}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${simulator.apiToken}` },
    body: JSON.stringify(body),
    ...(signal && { signal })
  })
}

/** A body with one user message. */
export function saying (content: string, rest: object = {}): object {
  return { messages: [{ role: 'user', content }], ...rest }
}

/** The headers of an answer by name. */
export function readHeaders ({ headers }: Response): Record<string, string> {
  const named: Record<string, string> = {}
  headers.forEach((value, name) => { named[name] = value })
  return named
}

/** The frames of a whole event stream, without `data: `. */
export async function readFrames (response: Response): Promise<string[]> {
  return (await response.text()).split('\n\n').filter(Boolean).map(event => event.replace(/^data: /, ''))
}

/** Reads what arrives until the answer ends or the connection breaks; `error` is what broke it. */
export async function readUntilBroken (response: Response): Promise<{ text: string, error: unknown }> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return { text, error: undefined }
      text += value
    }
  } catch (error) {
    return { text, error }
  }
}

/** One tool, as OpenAI's clients describe it. */
export const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city',
    parameters: { type: 'object', properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } }, required: ['city'] }
  }
}
