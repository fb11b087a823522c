import { get, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import type { ModelListObject } from './openai/model.ts'

export interface ModelCountOptions {
  /** Of the proxy, with `/v1` at its end. */
  baseUrl: string
  apiKey?: string | undefined
  /** Milliseconds; after them nobody waits any more. */
  timeoutMs?: number
}

/** Counts the models a proxy lists, and those of them that chat. Resolves with undefined when it does not list them in time. */
export async function countModels ({ baseUrl, apiKey, timeoutMs = 2_000 }: ModelCountOptions): Promise<{ all: number, chat: number } | undefined> {
  try {
    const response = await ask(`${baseUrl}/models`, apiKey, timeoutMs)
    if (response.statusCode !== 200) {
      response.destroy()
      return undefined
    }
    const { data } = await json(response) as ModelListObject
    return { all: data.length, chat: data.filter(({ task }) => task === 'text-generation').length }
  } catch {
    return undefined // the greeting can do without
  }
}

function ask (url: string, apiKey: string | undefined, timeoutMs: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
    get(url, { agent: false, headers, signal: AbortSignal.timeout(timeoutMs) }, resolve).on('error', reject)
  })
}
