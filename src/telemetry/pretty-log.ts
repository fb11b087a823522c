import { isObject } from '../json/is-object.ts'

/** The fields of a line. */
type Fields = Readonly<Record<string, unknown>>

const LEVELS: ReadonlyMap<unknown, { name: string, style: Style }> = new Map([
  [10, { name: 'TRACE', style: 'dim' }],
  [20, { name: 'DEBUG', style: 'dim' }],
  [40, { name: 'WARN', style: 'yellow' }],
  [50, { name: 'ERROR', style: 'red' }],
  [60, { name: 'FATAL', style: 'red' }]
])

/** ECMA-48 codes (SGR). */
const STYLES = { dim: 2, bold: 1, red: 31, green: 32, yellow: 33 }
type Style = keyof typeof STYLES

/** Maximum length of an error message or a list of changes, in characters. */
const MAX_WORDS = 120

/** Fields that are omitted, or shown elsewhere in the line. */
const TOLD = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'err', 'requestId'])

/**
 * Formats a line of the log for a terminal: the time of day, then the event. A request is one short line.
 * @param line a JSON line of pino
 * @param isColoured whether the terminal shows colours
 * @returns the formatted line with a line break; a line that is not a JSON object is returned unchanged
 */
export function toPrettyLine (line: string, isColoured: boolean): string {
  const fields = parsed(line)
  if (fields === undefined) return line
  const paint = isColoured ? (text: string, style: Style) => `\u001b[${STYLES[style]}m${text}\u001b[0m` : (text: string) => text
  const told = 'route' in fields ? toRequest(fields, paint) : toEvent(fields, paint)
  return `${paint(toTimeOfDay(fields['time']), 'dim')} ${told}\n`
}

type Paint = (text: string, style: Style) => string

function toRequest (fields: Fields, paint: Paint): string {
  const { method, route, path, status, ms, aborted } = fields
  const code = Number(status)
  const colour = code >= 500 ? 'red' : code >= 400 ? 'yellow' : 'green'
  const parts = [
    `${plain(method)} ${plain(path ?? route)}`,
    paint(aborted === true ? 'client left' : String(code), colour),
    toDuration(Number(ms)),
    ...toAnswer(fields),
    ...toFailure(fields).map(text => paint(text, code >= 500 ? 'red' : 'yellow')),
    typeof fields['changes'] === 'string' && paint(`(${clip(plain(fields['changes']))})`, 'dim')
  ]
  return parts.filter(part => part !== false).join('  ')
}

function toAnswer ({ model, served, stream, firstTokenMs, promptTokens, completionTokens, finishReason, attempts, key }: Fields): string[] {
  return [
    typeof model === 'string' && (typeof served === 'string' && !served.endsWith(toName(model)) ? `${plain(toName(model))} → ${plain(toName(served))}` : plain(toName(model))),
    typeof promptTokens === 'number' && `${promptTokens}+${plain(completionTokens ?? 0)} tokens`,
    stream === true && `streamed${typeof firstTokenMs === 'number' ? `, first after ${toDuration(firstTokenMs)}` : ''}`,
    typeof finishReason === 'string' && finishReason !== 'stop' && `ended by ${plain(finishReason)}`,
    typeof attempts === 'number' && attempts > 1 && `${attempts} attempts`,
    typeof key === 'string' && `key ${plain(key)}`
  ].filter(part => part !== false)
}

function toFailure ({ error, upstreamStatus, upstreamCode, upstreamKind }: Fields): string[] {
  const { message, name } = (typeof error === 'object' && error !== null ? error : {}) as Fields
  const cloudflare = upstreamKind === undefined ? undefined : `Cloudflare: ${[upstreamKind, upstreamStatus, upstreamCode !== undefined && `code ${plain(upstreamCode)}`].filter(Boolean).map(plain).join(' ')}`
  return [
    cloudflare,
    message === undefined ? undefined : clip(plain(message)),
    cloudflare === undefined && message === undefined ? name : undefined
  ].flatMap(text => (typeof text === 'string' ? [text] : []))
}

function toEvent (fields: Fields, paint: Paint): string {
  const level = LEVELS.get(fields['level'])
  const words = plain(fields['msg'] ?? '')
  const others = Object.entries(fields).filter(([name]) => !TOLD.has(name)).map(([name, value]) => paint(`${plain(name)}=${plain(typeof value === 'string' ? value : JSON.stringify(value))}`, 'dim'))
  return [...(level === undefined ? [] : [paint(level.name, level.style)]), words, ...others].join(' ') + toStack(fields['err'], paint)
}

function toStack (error: unknown, paint: Paint): string {
  if (typeof error !== 'object' || error === null) return ''
  const { type, code, stack } = error as Fields
  const lines = typeof stack === 'string' ? stack.split('\n').filter(line => line !== '') : []
  return [` ${plain(type)}${code === undefined ? '' : ` (${plain(code)})`}`, ...lines.map(line => paint(plain(line), 'dim'))].join('\n')
}

/** The id without the maker. */
function toName (model: string): string {
  return model.split('/').at(-1) ?? model
}

function toDuration (ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function toTimeOfDay (time: unknown): string {
  const moment = new Date(typeof time === 'number' ? time : Number.NaN)
  return Number.isNaN(moment.getTime()) ? '--:--:--' : moment.toTimeString().slice(0, 8)
}

/** Replaces line breaks and terminal control characters. */
function plain (value: unknown): string {
  return String(value).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

function clip (text: string): string {
  return text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS)}…` : text
}

function parsed (line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
