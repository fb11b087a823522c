import { toWordsOf } from './text-values.ts'

/** A kind of text that many schemas ask for. */
interface Kind {
  /** The `format` of JSON Schema that means it. */
  format?: string
  /** The last words of names that mean it. */
  names: readonly string[]
  /** How it is written inside a text. */
  pattern?: RegExp
  /** The same one in every answer. */
  example: string
}

const KINDS: readonly Kind[] = [
  { format: 'date-time', names: ['timestamp', 'datetime'], pattern: /\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)/, example: '2025-01-01T12:00:00Z' },
  { format: 'date', names: ['date', 'birthday', 'deadline'], pattern: /\b\d{4}-\d\d-\d\d\b/, example: '2025-01-01' },
  { format: 'time', names: [], pattern: /\b\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)/, example: '12:00:00Z' },
  { format: 'duration', names: [], pattern: /\bP(?:\d+[YMWD])+\b/, example: 'P1D' },
  { format: 'email', names: ['email', 'mail'], pattern: /[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+/, example: 'someone@example.com' },
  { format: 'hostname', names: ['hostname'], example: 'example.com' },
  { format: 'ipv4', names: ['ip'], pattern: /\b(?:\d{1,3}\.){3}\d{1,3}\b/, example: '192.0.2.1' },
  { format: 'ipv6', names: [], example: '2001:db8::1' },
  { format: 'uri', names: ['url', 'uri', 'link', 'website', 'homepage'], pattern: /\bhttps?:\/\/[^\s"'<>)]*[^\s"'<>).,;!?]/, example: 'https://example.com/' },
  { format: 'uuid', names: ['uuid'], pattern: /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/i, example: '00000000-0000-4000-8000-000000000000' },
  { names: ['phone', 'telephone', 'fax'], pattern: /\+?\d[\d ()-]{5,20}\d/, example: '+1 202 555 0123' },
  { names: ['address'], example: '1 Example Street, Springfield' },
  { names: ['zip', 'zipcode', 'postcode'], pattern: /\b\d{5}\b/, example: '12345' },
  { names: ['currency'], pattern: /\b(?:EUR|USD|GBP|JPY|CHF)\b/, example: 'USD' }
]

const EXPRESSION = /(?<![\d.])(?:\d{1,15}|\()[\d\s.()+*/×÷^%-]{0,60}[+*/×÷^%-][\d\s.()+*/×÷^%-]{0,60}(?:\d|\))/

/** Numbers people expect of a name, by its last word. */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['age', 36], ['year', 2025], ['month', 6], ['day', 15], ['hour', 12], ['minute', 30], ['minutes', 5], ['hours', 2], ['days', 7],
  ['price', 19.99], ['cost', 19.99], ['amount', 100], ['total', 100], ['budget', 5000], ['salary', 50_000], ['quantity', 2],
  ['rating', 4], ['score', 0.8], ['confidence', 0.9], ['probability', 0.5], ['percent', 50], ['percentage', 50],
  ['temperature', 20], ['latitude', 52.52], ['lat', 52.52], ['longitude', 13.4], ['lng', 13.4], ['lon', 13.4],
  ['width', 640], ['height', 480], ['weight', 70], ['population', 100_000]
])

/** Words for what somebody wants to know. */
const QUESTIONS = ['query', 'question', 'prompt']

/**
 * A text that a string of this format or name may be expected to say, taken from what was asked where that has one.
 * @returns undefined for a string that may say anything
 */
export function toPlausibleText (name: string, { format, description = '' }: { format?: unknown, description?: unknown }, asked: string): string | undefined {
  const last = toWordsOf(name).at(-1) ?? ''
  const kind =
    KINDS.find(one => format !== undefined && one.format === format) ??
    (format === undefined ? KINDS.find(({ names }) => names.includes(last)) : undefined)
  if (kind) return kind.pattern?.exec(asked)?.[0] ?? kind.example
  if (last === 'expression' || last === 'formula' || /\b(?:mathematical|arithmetic)\b/i.test(String(description))) return EXPRESSION.exec(asked)?.[0].trim()
  return QUESTIONS.includes(last) && asked !== '' ? asked : undefined
}

/** A number people would expect of a name, such as an age; undefined for others. */
export function toPlausibleNumber (name: string): number | undefined {
  return NUMBERS.get(toWordsOf(name).at(-1) ?? '')
}
