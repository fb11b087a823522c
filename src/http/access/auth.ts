import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { ProxyError } from '../../errors.ts'
import type { TokenOwner } from '../../inference/call.ts'
import type { ApiKey } from '../../settings/schema.ts'
import { isOpenToAll } from './open-paths.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The caller's own Cloudflare token, if callers send theirs. */
    apiToken: string | undefined
    /** The authenticated caller, as a digest of its key; undefined where no key is required. */
    caller: string | undefined
  }
}

/**
 * Lets only callers with one of the keys pass, before a body is read, and notes the name of the key for the log. Keys
 * are compared in constant time. Routes that show figures have a rule of their own.
 * @param adminKeys give no access to models; a request with one gets an error that says so
 * @returns undefined when there are no keys and everybody may pass
 */
export function requireKey (keys: readonly ApiKey[], adminKeys: readonly ApiKey[] = []): onRequestHookHandler | undefined {
  if (keys.length === 0) return undefined
  const callers = toKeyRing(keys)
  const admins = toKeyRing(adminKeys)
  return (request, _reply, done) => {
    if (isOpenToAll(request) || showsFigures(request)) return done()
    const key = keyOf(request)
    if (key === undefined) return done(missingKey())
    const match = callers(key)
    if (!match) return done(admins(key) ? adminKeyOnly() : incorrectKey())
    if (match.name !== undefined) request.record.key = match.name
    request.record.keyLabel = match.name ?? 'unnamed'
    request.caller = match.caller
    done()
  }
}

/** A key that may be sent: the name it goes by, and a digest that stands for it. */
interface KnownKey {
  name: string | undefined
  caller: string
}

/**
 * Looks up keys. Each is compared with every known key, whole and filled up to the length of the longest, so that the time does not
 * depend on the match. To compare digests would cost ten times as much.
 * @returns a function that finds a sent key, of plain characters, among the known ones
 */
export function toKeyRing (keys: readonly ApiKey[]): (key: string) => KnownKey | undefined {
  // The last byte is not 0 of a key that is longer than all of them.
  const length = Math.max(0, ...keys.map(({ key }) => Buffer.byteLength(key))) + 1
  const filledUp = (key: string, bytes = Buffer.alloc(length)) => {
    bytes.fill(0).write(key)
    return bytes
  }
  const known = keys.map(({ key, name }) => ({ bytes: filledUp(key), name, caller: digest(key).toString('base64url') }))
  const given = Buffer.alloc(length)
  return key => {
    filledUp(key, given)
    const [match] = known.filter(one => timingSafeEqual(one.bytes, given))
    return match
  }
}

function showsFigures ({ routeConfig }: FastifyRequest): boolean {
  return routeConfig.figuresOf !== undefined
}

/**
 * Takes the caller's key for its Cloudflare token, which Cloudflare checks; a request without one is refused.
 * @param adminKeys are no tokens, and are not sent to Cloudflare
 */
export function requireOwnToken (adminKeys: readonly ApiKey[] = []): onRequestHookHandler {
  const admins = toKeyRing(adminKeys)
  return (request, _reply, done) => {
    if (isOpenToAll(request) || showsFigures(request)) return done()
    const token = keyOf(request)
    if (token === undefined) return done(unauthorized(`${NO_KEY} This proxy takes your Cloudflare API token as the key.`, null))
    if (admins(token)) return done(adminKeyOnly())
    request.apiToken = token
    request.record.keyLabel = 'unnamed'
    done()
  }
}

/**
 * The owner of a request, as a digest of its key: one caller must not find another's data. All callers without a key are one
 * owner.
 */
export function toOwner (request: FastifyRequest): string {
  return digest(keyOf(request) ?? '').toString('base64url')
}

/**
 * Which key a request counts for where keys share something, by a name that is no secret: that of the key, or of the
 * token callers bring. All callers are one where neither is asked for.
 */
export function toKeyId (request: FastifyRequest): string {
  return request.caller ?? (request.apiToken === undefined ? '' : toOwner(request))
}

/** Whose account at Cloudflare a request is served with, by a name that is no secret: the proxy's own, or that of a caller's token. */
export function toCredential (request: FastifyRequest): string {
  return request.apiToken === undefined ? '' : toOwner(request)
}

/** Whose Cloudflare token a request is served with. */
export function tokenOwner ({ apiToken }: Pick<FastifyRequest, 'apiToken'>): TokenOwner {
  return apiToken === undefined ? 'proxy' : 'caller'
}

const NO_KEY = "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."

/** The key a request sends; undefined where it sends none, or what could be none. */
export function keyOf ({ headers }: FastifyRequest): string | undefined {
  const bearer = /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? '')?.[1]
  const sent = headers['x-api-key'] ?? headers['api-key']
  const named = sent === undefined ? undefined : [sent].flat().find(isPlain)
  // Where both are sent, Anthropic's API goes by x-api-key.
  return headers['anthropic-version'] === undefined ? bearer ?? named : named ?? bearer
}

/** Whether a text could be a key: one with other characters is none, and would not fit into a header of Cloudflare's. */
function isPlain (text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

export function missingKey (): ProxyError {
  return unauthorized(NO_KEY, null)
}

export function incorrectKey (): ProxyError {
  return unauthorized('Incorrect API key provided. Ask whoever runs this proxy for a key from its API_KEYS.', 'invalid_api_key')
}

function adminKeyOnly (): ProxyError {
  return new ProxyError('This key is one of ADMIN_KEYS, which show figures and open no model. Send one of API_KEYS; a key may be in both.', { status: 403, type: 'permission_error', code: 'admin_key_only' })
}

function unauthorized (message: string, code: string | null): ProxyError {
  return new ProxyError(message, { status: 401, type: 'invalid_request_error', code })
}

function digest (text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
