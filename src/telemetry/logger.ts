import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { FastifyBaseLogger } from 'fastify'
import { pino, type DestinationStream } from 'pino'
import type { Settings } from '../settings/schema.ts'
import { toPrettyLine } from './pretty-log.ts'

/** Lines of a stack that are logged. */
const MAX_FRAMES = 20

/** Fields that hold credentials, or a URL with a key in its query. */
const SECRET_FIELDS = ['authorization', 'apiToken', 'apiKeys', 'adminKeys', 'cookie', 'headers', 'rawHeaders', 'url']

/** The objects with such fields. Listed one by one, because a wildcard would cost every line tens of microseconds. */
const HOLDERS = ['req', 'request', 'res', 'reply', 'err', 'error', 'settings', 'settings.cloudflare', 'cloudflare', 'options']

const OTHER_SECRETS = ['redis.url', 'settings.redis.url']

/**
 * The log of the proxy, as JSON lines or as lines for a person. Credentials are redacted, although no line should contain
 * any.
 * @param settings with several `workers`, each write is small enough to stay separate from those of other processes
 * @param destination of JSON; standard output by default
 */
export function newLogger ({ logLevel, logFormat = 'json', workers = 1 }: Pick<Settings, 'logLevel'> & Partial<Settings>, destination?: DestinationStream): FastifyBaseLogger {
  const paths = [...['', ...HOLDERS.map(holder => `${holder}.`)].flatMap(before => SECRET_FIELDS.map(field => before + field)), ...OTHER_SECRETS]
  return pino({ level: logLevel, redact: { paths, censor: '[redacted]' }, serializers: { err: (error: unknown) => error instanceof Error ? toLoggedError(error) : error } }, destination ?? (isForPerson(logFormat) ? terminal() : standardOutput(workers > 1 ? WHOLE : BATCH.bytes)))
}

/**
 * Whether lines are for a person. `auto` means a terminal, except for the main process of a container, whose output goes
 * to a collector even if there is a terminal.
 */
export function isForPerson (format: Settings['logFormat'], { isTerminal = isatty(1), env = process.env, pid = process.pid, parentPid = process.ppid }: { isTerminal?: boolean, env?: NodeJS.ProcessEnv, pid?: number, parentPid?: number } = {}): boolean {
  if (format !== 'auto') return format === 'pretty'
  // The first process of a container is this one, or an init that started it.
  return isTerminal && pid !== 1 && parentPid !== 1 && env['KUBERNETES_SERVICE_HOST'] === undefined
}

/** Writes text to standard output after all lines logged so far. Held lines follow it. */
export function writeBesideLog (text: string): void {
  if (output === undefined) process.stdout.write(text)
  else output.writeText(text)
}

/**
 * Resolves when all lines so far are written, or nobody is left to read them. To be awaited before the process is ended: what is
 * being written then would be lost if its reader cannot take it at once.
 */
export async function flushLog (): Promise<void> {
  await output?.flushed()
}

/** Holds the lines of this process until the returned function is called, so that they do not interrupt other output. */
export function holdLog (): () => void {
  isHeld = true
  return () => {
    isHeld = false
    output?.flush()
  }
}

/**
 * What a line may contain of an error: its name, its code and its stack frames. Its message may quote a client, and its
 * stack begins with the message.
 */
export function toLoggedError (error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, code, message, stack = '' } = error as NodeJS.ErrnoException
  // A message with several lines cannot be separated from the stack frames.
  const start = stack.indexOf(message)
  const frames = start === -1 ? [] : stack.slice(start + message.length).split('\n').filter(line => /^ {4}at /.test(line)).slice(0, MAX_FRAMES)
  return { type: name, ...(typeof code === 'string' && { code }), stack: frames.join('\n') }
}

/** Size of a batch, longest delay of a line, and most to keep; above that the last lines are lost. */
const BATCH = { bytes: 65_536, ms: 100, maxBytes: 8 * 1024 * 1024 }

/** A write of up to so many bytes (PIPE_BUF) to a pipe is atomic. */
const WHOLE = 4_096

interface Output extends DestinationStream {
  flush: () => void
  /** Resolves when everything so far is written, or cannot be. */
  flushed: () => Promise<void>
  writeText: (text: string) => void
}

let isHeld = false
let output: Output | undefined

/** Standard output for a person, without batching. */
function terminal (): DestinationStream {
  const isColoured = isatty(1) && process.stdout.hasColors()
  const descriptor = standardOutput(WHOLE, 1)
  return { write: line => { descriptor.write(toPrettyLine(line, isColoured)) } }
}

/**
 * Standard output in batches, because a write per line would double the cost of the log. It never blocks: a slow reader of
 * the log must not delay an answer. The rest is written at exit.
 * @param bytes maximum size of a batch
 * @param enough size that is written without waiting for more lines
 */
function standardOutput (bytes: number, enough = bytes): DestinationStream {
  if (output !== undefined) return output
  // With the least `minLength` there is, because without any `flush` does not wait.
  const descriptor = pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: BATCH.maxBytes, maxWrite: bytes })
  let lines = ''
  let size = 0
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (lines !== '') descriptor.write(lines)
    lines = ''
    size = 0
  }
  // A full disk must not end the service: what cannot be written is kept for the next try, up to `maxBytes`.
  let isFailing = false
  let isTold = false
  descriptor.on('write', () => { isFailing = false })
  descriptor.on('error', ({ code }: NodeJS.ErrnoException) => {
    isFailing = true
    if (!isTold) complain(`The log cannot be written to standard output (${code}). The service goes on.`)
    isTold = true
  })
  // Before pino's own listener. `flushSync` tries for ever what fails.
  process.prependListener('exit', () => {
    if (isFailing) return descriptor.destroy()
    flush()
    descriptor.flushSync()
  })
  output = {
    write (line) {
      // To count its bytes joins the line's pieces, of which pino makes dozens: later V8 has copied each of them, and reads them slowly.
      const length = Buffer.byteLength(line)
      if (size + length > bytes) flush()
      lines += line
      size += length
      if (isHeld) return
      if (size >= enough) flush()
      else timer ??= setTimeout(flush, BATCH.ms).unref()
    },
    writeText (text) {
      if (!isHeld) flush()
      descriptor.write(text)
    },
    flush,
    flushed: () => new Promise(resolve => {
      flush()
      descriptor.flush(() => resolve())
    })
  }
  return output
}

/** To standard error, which may be as full as standard output. */
function complain (text: string): void {
  try {
    writeSync(2, `${text}\n`)
  } catch {
    // There is nowhere left to say it.
  }
}
