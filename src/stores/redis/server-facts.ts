import type { Problem } from '../../settings/problem.ts'

/** What the program needs to be allowed, in the words of a Redis ACL, for the keys of a prefix. */
const RIGHTS = '+@read +@write +@scripting +@connection +@transaction +info +time'

const OLDEST_VERSION = 7

/** What a server says of itself. */
export interface ServerFacts {
  /** `redis` or `valkey`. */
  name: string
  version: string
  /** What it does when its memory is full, such as `noeviction`. */
  policy: string | undefined
  isCluster: boolean
}

/** @param info the answer of INFO */
export function toServerFacts (info: string): ServerFacts {
  const valueOf = (field: string) => new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(info)?.[1]
  const valkey = valueOf('valkey_version')
  return {
    name: valkey === undefined ? 'redis' : 'valkey',
    version: valkey ?? valueOf('redis_version') ?? 'unknown',
    policy: valueOf('maxmemory_policy'),
    isCluster: valueOf('redis_mode') === 'cluster'
  }
}

/** What whoever runs it should know of a server, as sentences. */
export function toNotices ({ name, version, policy }: ServerFacts): string[] {
  const isOld = Number.parseInt(version) < OLDEST_VERSION
  return [
    ...policy?.startsWith('allkeys') ? [`the ${name} at REDIS_URL drops any key when its memory is full (maxmemory-policy ${policy}), so limits and budgets may vanish; set it to noeviction or volatile-ttl`] : [],
    ...isOld ? [`the ${name} at REDIS_URL has the version ${version}; versions from ${OLDEST_VERSION} on are tested`] : []
  ]
}

/**
 * The errors with which a server says of itself that it cannot serve, whatever it is asked: as if it were away. With all others, such as
 * ERR, WRONGTYPE, NOSCRIPT or EXECABORT, it refuses one command for what that says.
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors, and `createSharedObjects` in its `server.c`
 */
const AWAY = new Set([
  // It starts, or follows a primary that it has lost.
  'LOADING', 'MASTERDOWN',
  // It must not write: a replica, a full memory, a disk that fails, replicas that are missing.
  'READONLY', 'OOM', 'MISCONF', 'NOREPLICAS',
  // A script of somebody does not end.
  'BUSY',
  // This program may not, or no longer.
  'NOPERM', 'NOAUTH', 'WRONGPASS',
  // The keys are at another server.
  'MOVED', 'ASK', 'CLUSTERDOWN', 'TRYAGAIN'
])

/** Whether a failure is an answer that refuses one command, of a server that serves. */
export function isAnswered (error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !AWAY.has(toReason(error))
}

/** A word about a failure that has nothing of what was sent: messages of Redis may quote it. */
export function toReason (error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code, message } = error as NodeJS.ErrnoException
  if (typeof code === 'string') return code
  if (message === 'Command timed out') return 'timeout'
  if (isNoRedis(error)) return 'no Redis'
  return /^[A-Z]{2,20}(?= )/.exec(message)?.[0] ?? 'closed'
}

/**
 * What is wrong with `REDIS_URL`, where a failure says so; undefined where the server may only be away.
 * @param prefix of all keys
 */
export function toUrlProblem (error: unknown, prefix: string): Problem | undefined {
  if (!(error instanceof Error)) return undefined
  const fault = toFault(error, toReason(error), prefix)
  return fault && { name: 'REDIS_URL', ...fault }
}

function toFault (error: Error, reason: string, prefix: string): Omit<Problem, 'name'> | undefined {
  if (isSelect(error)) return { message: 'Redis refuses the database that it names (the number at its end)' }
  if (reason === 'WRONGPASS' || /^ERR (?:invalid password|AUTH\b|Client sent AUTH)/.test(error.message)) return { message: 'Redis refuses the user name or the password in it' }
  if (reason === 'NOAUTH') return { message: 'Redis wants a password, and it has none', hint: 'Write it as redis://:PASSWORD@host:port.' }
  if (reason === 'NOPERM') return { message: 'its user may not do what this program needs of Redis', hint: `Allow ~${prefix}* ${RIGHTS}.` }
  if (reason === 'no Redis') return { message: 'what answers there does not speak the protocol of Redis', hint: 'If it expects TLS, write rediss:// in place of redis://.' }
  if (/^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/.test(reason)) return { message: `what answers there does not speak TLS (${reason})`, hint: 'Write redis:// in place of rediss://.' }
  if (/^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(reason)) {
    return { message: `the certificate of Redis is not trusted (${reason})`, hint: 'For a certificate authority of your own, set NODE_EXTRA_CA_CERTS=/path/ca.pem.' }
  }
  return undefined
}

/** The client goes on in the first database when another one is refused. */
export function isSelect (error: unknown): boolean {
  return (error as { command?: { name?: string } } | undefined)?.command?.name === 'select'
}

function isNoRedis ({ name, message }: Error): boolean {
  return name === 'ParserError' || /^(?:Protocol error|Unknown RESP type)/i.test(message)
}
