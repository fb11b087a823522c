import { callServer } from '../server/call-server.ts'

export interface TranslationChange {
  param: string
  action: string
  from?: unknown
  to?: unknown
  reason: string
}

export interface Translation {
  model: string
  /** Of Cloudflare's API, below the account. */
  url: string
  /** JSON, indented. */
  body: string
  changes: TranslationChange[]
}

/**
 * Asks the server what it would send. Calls no model.
 * @throws ServerError when the request is refused
 */
export async function translate (path: string, body: string, signal: AbortSignal): Promise<Translation> {
  const response = await callServer(path, { body, signal, headers: { 'x-dry-run': 'true' } })
  const { model, url, body: native, changes } = parseExactly(await response.text()) as Omit<Translation, 'body'> & { body: unknown }
  return { model, url, body: JSON.stringify(native, null, 2), changes }
}

interface Json {
  parse: (text: string, reviver: (name: string, value: unknown, context?: { source?: string }) => unknown) => unknown
  rawJSON?: (text: string) => unknown
}

/** JSON whose large integers are written again as they came, where the browser can do that. */
export function parseExactly (text: string): unknown {
  const { parse, rawJSON } = JSON as Json
  return parse(text, (_, value, context) => {
    const isRounded = Number.isInteger(value) && !Number.isSafeInteger(value)
    return isRounded && rawJSON && context?.source !== undefined ? rawJSON(context.source) : value
  })
}

/** A value of a change as short text; empty where there is none. */
export function toValueText (value: unknown): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
