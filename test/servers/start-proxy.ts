import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import type { Test } from 'tap'
import { buildApp, type AppParts } from '../../src/app.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../src/simulator/server.ts'

export const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
export const MISTRAL = '@cf/mistralai/mistral-small-3.1-24b-instruct'
export const KIMI = '@cf/moonshotai/kimi-k2.6'
export const GLM = '@cf/zai-org/glm-4.7-flash'
export const GPT_OSS = '@cf/openai/gpt-oss-20b'

export const API_TOKEN = 'token-of-the-account-4711'
export const ACCOUNT_ID = 'account-4711-0815'

// Node tells a leak of listeners by a warning, which no test would notice.
process.on('warning', warning => { if (warning.name === 'MaxListenersExceededWarning') throw warning })

/** A proxy in this process, in front of a simulator of its own. */
export interface Proxy {
  /** Without a path. */
  url: string
  port: number
  app: FastifyInstance
  simulator: Simulator
  /** Every line logged so far, as text and parsed; the level is `trace`. */
  log: () => string
  lines: () => Array<Record<string, unknown>>
}

/** Starts a proxy with these settings, given as the environment would; both servers are gone when the test is over. */
export async function startProxy (t: Test, env: Record<string, string> = {}, options: SimulatorOptions = {}, parts: AppParts = {}): Promise<Proxy> {
  const simulator = await startSimulator({ accountId: ACCOUNT_ID, apiToken: API_TOKEN, ...options })
  t.teardown(() => simulator.close())
  const { settings } = readSettings({
    env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID, CLOUDFLARE_API_TOKEN: API_TOKEN, CLOUDFLARE_API_BASE_URL: simulator.url, ...env },
    readFile: path => { throw new Error(`no file is to be read, and ${path} least of all`) }
  })
  let log = ''
  const logger = pino({ level: 'trace' }, new Writable({
    write (line: Buffer, _encoding, done) {
      log += line.toString()
      done()
    }
  }))
  const app = await buildApp(settings, { logger, ...parts })
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { url, port, app, simulator, log: () => log, lines: () => log.split('\n').filter(Boolean).map(line => JSON.parse(line)) }
}

export interface AskOptions {
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** Posts a chat completion request. */
export function ask (proxy: Pick<Proxy, 'url'>, body: object, options: AskOptions = {}): Promise<Response> {
  return post(proxy, '/v1/chat/completions', body, options)
}

/** Posts JSON to any endpoint. */
export function post ({ url }: Pick<Proxy, 'url'>, path: string, body: object, { headers = {}, signal }: AskOptions = {}): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...(signal && { signal })
  })
}

/** A request with one user message, for the classic model unless another is named. */
export function saying (content: string, rest: object = {}): object {
  return { model: LLAMA, messages: [{ role: 'user', content }], ...rest }
}

/** The JSON objects of an event stream; `[DONE]` stays text, comments are left out. */
export function toChunks (stream: string): unknown[] {
  return stream.split('\n\n').filter(event => event.startsWith('data: '))
    .map(event => event.slice('data: '.length))
    .map(data => data === '[DONE]' ? data : JSON.parse(data))
}
