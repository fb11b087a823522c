import { invalid, InvalidRequestError } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import { toByteLength, toStandardBase64 } from './base64.ts'

/** A file in a chat or a Responses request. */
interface GivenFile {
  file_data?: string | null | undefined
  file_id?: string | null | undefined
  file_url?: string | null | undefined
  filename?: string | null | undefined
}

/** The largest file that is sent as text, in bytes. */
const MAX_FILE_BYTES = 1_048_576

const DATA_URI = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[^;,]*)*?(;base64)?,/i
const TEXT_TYPE = /^(?:text\/.+|application\/(?:.+\+)?(?:json|x-?ndjson|jsonl|csv|markdown|xml|x-yaml|yaml))$/i
const TEXT_NAME = /\.(?:txt|text|log|md|markdown|csv|tsv|json|jsonl|ndjson|xml|html?|ya?ml)$/i

/**
 * Converts a text file to text, because Workers AI takes no files. A text file has a text media type or, without a media type,
 * a known extension, and is UTF-8 of at most 1 MiB without NUL.
 * @param path of the part, e.g. `messages[0].content[1]`
 * @param members path of the object with its members
 * @throws InvalidRequestError naming the member that cannot be served: every other file, and ids of stored ones
 */
export function toFileText ({ file_data: given, file_id: id, file_url: url, filename }: GivenFile, path: string, changes: Change[], members: string = path): { type: 'text', text: string } {
  const isByUrl = given == null && url != null
  const data = isByUrl ? url : given
  if (isByUrl && !/^data:/i.test(url)) throw invalid(`${members}.file_url`, "this proxy fetches no files. Send a text file as 'file_data'.")
  if (data == null && id != null) {
    throw invalid(`${members}.file_id`, "this proxy stores no files. Send a text file as 'file_data', or its text as a part of type 'text'.")
  }
  const param = `${members}.${isByUrl ? 'file_url' : 'file_data'}`
  if (data == null) throw new InvalidRequestError(name => `Missing required parameter: '${name}'.`, { param, code: 'missing_required_parameter' })
  const [head, mediaType = '', encoding = ''] = DATA_URI.exec(data) ?? ['']
  const isBase64 = head === '' || encoding !== ''
  if (!isText(mediaType, filename ?? '')) {
    throw invalid(param, "only text files can be sent to Workers AI chat models, such as text/plain, text/csv, text/markdown or application/json. Send the text of another file as a part of type 'text', or its pages as parts of type 'image_url'.")
  }
  const text = isBase64 ? toText(data.slice(head.length), param, changes) : toPlainText(data.slice(head.length), param)
  changes.push({ param: path, action: 'emulated', reason: 'Workers AI takes no files; the text of this one is sent' })
  const fence = toFence(text)
  return { type: 'text', text: `File ${toTitle(filename)}:\n${fence}\n${text}\n${fence}` }
}

function isText (mediaType: string, filename: string): boolean {
  const isNamed = mediaType !== '' && mediaType.toLowerCase() !== 'application/octet-stream'
  return isNamed ? TEXT_TYPE.test(mediaType) : TEXT_NAME.test(filename)
}

function toText (given: string, param: string, changes: Change[]): string {
  const base64 = toStandardBase64(given)
  if (base64 === undefined) throw invalid(param, 'the file is not well-formed base64.')
  if (base64 !== given) changes.push({ param, action: 'repaired', reason: 'base64 is read in its standard form' })
  const size = toByteLength(base64) ?? 0
  checkSize(size, param)
  return mustBeText(decode(base64), param)
}

/** The content of a data URI with percent escapes instead of base64. */
function toPlainText (escaped: string, param: string): string {
  checkSize(escaped.length, param)
  try {
    return mustBeText(decodeURIComponent(escaped), param)
  } catch {
    return mustBeText(undefined, param)
  }
}

function checkSize (bytes: number, param: string): void {
  if (bytes > MAX_FILE_BYTES) throw invalid(param, `file too large. Expected at most ${MAX_FILE_BYTES} bytes of text, but got ${bytes} bytes instead.`)
}

function mustBeText (text: string | undefined, param: string): string {
  if (text === undefined || text.includes('\0')) throw invalid(param, 'the file is called text, but is not UTF-8 text.')
  return text
}

function decode (base64: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'))
  } catch {
    return undefined
  }
}

/** One line, so that a name cannot look like text around the file. */
function toTitle (filename: string | null | undefined): string {
  const title = (filename ?? '').replaceAll(/[\s\p{Cc}]+/gu, ' ').trim().slice(0, 200)
  return title === '' ? '(unnamed)' : title
}

/** Longer than any fence in the text, so that the text cannot end it. */
function toFence (text: string): string {
  const longest = (text.match(/`{3,}/g) ?? []).reduce((most, { length }) => Math.max(most, length), 2)
  return '`'.repeat(longest + 1)
}
