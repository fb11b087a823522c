import { isatty } from 'node:tty'
import type { FastifyBaseLogger } from 'fastify'
import { pino, type DestinationStream } from 'pino'
import type { Settings } from '../settings/schema.ts'
import { toPrettyLine } from './pretty-log.ts'

/** Lines of a stack that are logged. */
const MAX_FRAMES = 20

/** Fields that hold credentials, or a URL with a key in its query. */
const SECRET_FIELDS = ['authorization', 'apiToken', 'apiKeys', 'cookie', 'headers', 'rawHeaders', 'url']

/** What has such fields. Named one by one, because a wildcard would cost every line tens of microseconds. */
const HOLDERS = ['req', 'request', 'res', 'reply', 'err', 'error', 'settings', 'settings.cloudflare', 'cloudflare', 'options']

/**
 * The proxy's log: one JSON line each, or one for a person. No line is meant to have a credential; should one ever, it is
 * blotted out.
 * @param settings with several `workers`, lines are written so that those of other processes cannot run into them
 * @param destination of JSON; standard output by default
 */
export function newLogger ({ logLevel, logFormat = 'json', workers = 1 }: Pick<Settings, 'logLevel'> & Partial<Settings>, destination?: DestinationStream): FastifyBaseLogger {
  const paths = ['', ...HOLDERS.map(holder => `${holder}.`)].flatMap(before => SECRET_FIELDS.map(field => before + field))
  return pino({ level: logLevel, redact: { paths, censor: '[redacted]' }, serializers: { err: (error: unknown) => error instanceof Error ? toLoggedError(error) : error } }, destination ?? (isForPerson(logFormat) ? terminal() : standardOutput(workers > 1 ? WHOLE : BATCH.characters)))
}

/**
 * Whether lines are for a person to read. By itself it takes a terminal, which nothing but a person should be at: what
 * a container, or Kubernetes, starts is read by a collector, be there a terminal or not.
 */
export function isForPerson (format: Settings['logFormat'], { isTerminal = isatty(1), env = process.env, pid = process.pid, parentPid = process.ppid }: { isTerminal?: boolean, env?: NodeJS.ProcessEnv, pid?: number, parentPid?: number } = {}): boolean {
  if (format !== 'auto') return format === 'pretty'
  // The first process of a container is this one, or an init that started it.
  return isTerminal && pid !== 1 && parentPid !== 1 && env['KUBERNETES_SERVICE_HOST'] === undefined
}

/** Puts text on standard output behind all that was logged so far; of a log that is held, before it. */
export function writeBesideLog (text: string): void {
  if (output === undefined) process.stdout.write(text)
  else output.writeText(text)
}

/** Keeps the lines of this process until the function it returns is called: they would run into what is being written. */
export function holdLog (): () => void {
  isHeld = true
  return () => {
    isHeld = false
    output?.flush()
  }
}

/**
 * What may be said of an error in a line: its name, its code and where it came from. Its message may quote a caller, and
 * is the beginning of its stack.
 */
export function toLoggedError (error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { name, code, message, stack = '' } = error as NodeJS.ErrnoException
  // Without the message its lines cannot be told from those of the stack.
  const start = stack.indexOf(message)
  const frames = start === -1 ? [] : stack.slice(start + message.length).split('\n').filter(line => /^ {4}at /.test(line)).slice(0, MAX_FRAMES)
  return { type: name, ...(typeof code === 'string' && { code }), stack: frames.join('\n') }
}

/** Lines are written so many characters at a time, and wait no longer than this; of more than can be kept the last are lost. */
const BATCH = { characters: 65_536, ms: 100, maxBytes: 8 * 1024 * 1024 }

/**
 * Of what several processes write to one pipe at the same time, only 4,096 bytes at once are sure to stay together
 * (PIPE_BUF). This counts characters, of which some take more bytes than one.
 */
const WHOLE = 3_500

let isHeld = false
let output: (DestinationStream & { flush: () => void, flushSync: () => void, writeText: (text: string) => void }) | undefined

/** Standard output for a person, who wants each line at once. */
function terminal (): DestinationStream {
  const isColoured = isatty(1) && process.stdout.hasColors()
  const descriptor = standardOutput(WHOLE, 1)
  return { write: line => { descriptor.write(toPrettyLine(line, isColoured)) } }
}

/**
 * Standard output, many lines at a time, because writing one by itself costs as much as all else that is done for the
 * log. It waits for nobody: a log that is not taken must not hold up an answer. What is left is written at the exit.
 * @param characters to write at once, at most
 * @param enough so many are written without waiting for more
 */
function standardOutput (characters: number, enough = characters): DestinationStream {
  if (output !== undefined) return output
  const descriptor = pino.destination({ dest: 1, sync: false, maxLength: BATCH.maxBytes, maxWrite: characters })
  let lines = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (lines !== '') descriptor.write(lines)
    lines = ''
  }
  const flushSync = () => {
    flush()
    descriptor.flushSync()
  }
  process.on('exit', flushSync)
  output = {
    write (line) {
      if (lines.length + line.length > characters) flush()
      lines += line
      if (isHeld) return
      if (lines.length >= enough) flush()
      else timer ??= setTimeout(flush, BATCH.ms).unref()
    },
    writeText (text) {
      if (!isHeld) flush()
      descriptor.write(text)
    },
    flush,
    flushSync
  }
  return output
}
