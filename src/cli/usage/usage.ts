import { get } from 'node:http'
import { toLocalUrl, type Address } from '../../settings/address.ts'
import type { UsageReport } from '../../usage/report.ts'
import { toUsageText } from './table.ts'

export interface UsageOptions {
  address: Address
  /** Opens the server; undefined where it needs none. */
  key: string | undefined
  /** ISO date of a UTC day; the present one when undefined. */
  date: string | undefined
  /** Prints the server's JSON. */
  json: boolean
  now: Date
  /** Puts text on the screen. */
  write: (text: string) => void
  /** Longest wait in milliseconds. */
  timeoutMs?: number
}

/** The text of `usage --help`, at most 100 columns wide. */
export function toUsageHelp (): string {
  return `Usage: workers-ai-proxy usage [flags]

Asks the running proxy what was used on a day: requests, tokens and neurons of each key and model,
and what is left of the free neurons of each account. It finds the proxy and a key by the settings,
as healthcheck does: HOST, PORT, and the first of ADMIN_KEYS, which sees all keys, or of API_KEYS,
which sees its own use.

  --date YYYY-MM-DD   The day, in UTC; by default today.
  --json              Prints the answer of GET /usage.

Exit codes:
  0   the usage was printed
  1   the proxy cannot be reached, or refused to answer
`
}

/**
 * Prints what the proxy at the address has counted.
 * @throws Error whose message says what to do
 */
export async function showUsage ({ address, key, date, json, now, write, timeoutMs = 10_000 }: UsageOptions): Promise<void> {
  if (address.port === 0) throw new Error('PORT is 0, so the port of the proxy is unknown; name it with --port.')
  const url = `${toLocalUrl(address)}/usage${date === undefined ? '' : `?${new URLSearchParams({ date })}`}`
  const { status, body } = await ask(url, key, timeoutMs)
  if (status !== 200) throw new Error(toComplaint(url, status, body, key))
  const report = toReport(body)
  if (report === undefined) throw new Error(`${url} did not answer with usage: it is another server, or an older proxy.`)
  write(json ? `${JSON.stringify(report, undefined, 2)}\n` : toUsageText(report, now))
}

function ask (url: string, key: string | undefined, timeoutMs: number): Promise<{ status: number | undefined, body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(new Error(
      `No proxy answers at ${url} (${toReason(cause, timeoutMs)}). Start it with workers-ai-proxy, or say where it is with --host and --port.`, { cause }))
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
    const request = get(url, { signal: AbortSignal.timeout(timeoutMs), agent: false, headers }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => { body += text })
      response.once('end', () => resolve({ status: response.statusCode, body }))
      response.once('error', fail)
    })
    request.once('error', fail)
  })
}

function toReason (error: NodeJS.ErrnoException, timeoutMs: number): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  return error.message || String(error.code)
}

function toComplaint (url: string, status: number | undefined, body: string, key: string | undefined): string {
  const told = toMessage(body)
  const what = `${url} answered ${status}${told === undefined ? '' : `: ${told}`}`
  if (status === 401) {
    return `${what}\n${key === undefined ? 'Set ADMIN_KEYS or API_KEYS to what the server has' : 'The first of ADMIN_KEYS or API_KEYS here is no key of the server'}; --admin-keys KEY or --api-keys KEY name one.`
  }
  if (status === 404) return `${what}\nIt is another server, or an older proxy.`
  return what
}

function toReport (body: string): UsageReport | undefined {
  const report = parsed(body) as Partial<UsageReport> | null | undefined
  return report?.object === 'usage' ? report as UsageReport : undefined
}

function toMessage (body: string): string | undefined {
  const message = (parsed(body) as { error?: { message?: unknown } | null } | null | undefined)?.error?.message
  return typeof message === 'string' ? message.replace(/\p{Cc}+/gu, ' ') : undefined
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
