import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidRequestError, ProxyError } from '../../errors.ts'
import { keepDigits } from '../../json/exact-integers.ts'
import { parseAsSent } from '../../json/messages-as-sent.ts'
import { toKeyId } from '../access/auth.ts'
import type { BodyMemory, HeldMemory } from './body-memory.ts'
import { readBody } from './request-body.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Its body was checked: JSON of at most 200 levels. */
    isShallow: boolean
    /** The memory that its body holds; undefined for methods without a body. */
    heldMemory: HeldMemory | undefined
  }
}

type Done = (error: Error | null, body?: unknown) => void

/** Far more than any schema needs, far less than what overflows the stack of recursive code. */
const MAX_LEVELS = 200

/** Members by which JSON could change prototypes. */
const POISON = new Set(['__proto__', 'constructor'])
const NOTHING = new Set<string>()

const HARMFUL = -1

/** From this size on, in bytes, a body could become more than there is memory for before its objects are counted. */
const LARGE = 1_048_576

const COMMA = 0x2c
const BRACKET = 0x5b
const BRACE = 0x7b

/**
 * Parses bodies as Fastify does, and refuses nesting deeper than 200 levels before other code traverses them. The same
 * traversal looks for prototype poisoning, for which Fastify's parser searches the text with two patterns.
 * Compressed bodies are decoded; an empty body of a method without bodies is no body.
 */
export function readJsonBodies (app: FastifyInstance, memory: BodyMemory): void {
  const { bodyLimit = Infinity } = app.initialConfig
  const asFastify = app.getDefaultJsonParser('error', 'error') as (request: FastifyRequest, text: string, done: Done) => void
  const parse = (request: FastifyRequest, bytes: Buffer, done: Done): void => {
    if (bytes.length === 0 && request.method !== 'POST') return done(null)
    const held = request.heldMemory
    let body: unknown
    try {
      body = parseAsSent(bytes)
      const isCounted = body === undefined && bytes.length >= LARGE
      if (isCounted) held?.growByValues(countValues(bytes))
      body ??= JSON.parse(bytes.toString())
      const objects = countObjects(body, MAX_LEVELS, POISON)
      request.isShallow = objects !== HARMFUL
      if (!isCounted && objects > 0) held?.growByValues(objects)
      // It may be read once more for that.
      if (request.isShallow && bytes.length < LARGE) keepDigits(body, () => bytes.toString())
    } catch (error) {
      if (error instanceof ProxyError) return done(error)
      return asFastify(request, bytes.toString(), done)
    }
    if (!request.isShallow) return asFastify(request, bytes.toString(), done)
    done(null, body)
  }
  app.decorateRequest('isShallow', false)
  app.addContentTypeParser('application/json', (request, payload, done: Done) => {
    readBody(request, payload, bodyLimit, (error, bytes) => error ? done(error) : parse(request, bytes, done))
  })
  app.decorateRequest('heldMemory', undefined)
  app.addHook('preParsing', (request, { raw }, payload, done) => {
    if (request.method === 'POST') {
      const held = memory.hold(toKeyId(request))
      request.heldMemory = held
      raw.on('close', () => held.release())
    } else if (!hasBody(request.raw)) {
      // Some clients send it with every request. Without a body it means nothing, but Fastify would wait for a body.
      delete request.raw.headers['content-type']
    }
    done(null, payload)
  })
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.isShallow || countObjects(request.body, MAX_LEVELS, NOTHING) !== HARMFUL) return done()
    done(new InvalidRequestError(`The JSON body of your request is nested too deeply. At most ${MAX_LEVELS} levels are read.`))
  })
}

/** Upper limit of the values in JSON, by its brackets and commas, including those inside strings. */
function countValues (bytes: Buffer): number {
  let count = 0
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]
    if (byte === COMMA || byte === BRACE || byte === BRACKET) count++
  }
  return count
}

function hasBody ({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The number of objects and lists in a value; HARMFUL if it has more levels, or a member with a forbidden name. */
function countObjects (value: unknown, levels: number, poison: ReadonlySet<string>): number {
  if (typeof value !== 'object' || value === null) return 0
  if (levels === 0) return HARMFUL
  let count = 1
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item !== 'object') continue
      const inside = countObjects(item, levels - 1, poison)
      if (inside === HARMFUL) return HARMFUL
      count += inside
    }
    return count
  }
  for (const name in value) {
    if (poison.has(name)) return HARMFUL
    const inside = countObjects((value as Record<string, unknown>)[name], levels - 1, poison)
    if (inside === HARMFUL) return HARMFUL
    count += inside
  }
  return count
}
