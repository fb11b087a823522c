import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidRequestError } from '../errors.ts'
import { parseAsSent } from '../translate/messages-as-sent.ts'
import { readBody } from './request-body.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Its body was walked through: JSON of at most 200 levels. */
    isShallow: boolean
  }
}

type Done = (error: Error | null, body?: unknown) => void

/** Far more than any schema needs, far less than what overflows the stack of those who read a body recursively. */
const MAX_LEVELS = 200

/** Members by which JSON could change what every object is made of. */
const POISON = new Set(['__proto__', 'constructor'])
const NOTHING = new Set<string>()

/**
 * Reads bodies as Fastify does, and refuses those that are nested deeper than 200 levels before anything else walks
 * through them. Poison is looked for on the same walk: Fastify's parser goes through the text with two patterns for it.
 * Compressed bodies are decoded; an empty body of a method that takes none is no body.
 */
export function readJsonBodies (app: FastifyInstance): void {
  const asFastify = app.getDefaultJsonParser('error', 'error') as (request: FastifyRequest, text: string, done: Done) => void
  const parse = (request: FastifyRequest, bytes: Buffer, done: Done): void => {
    if (bytes.length === 0 && request.method !== 'POST') return done(null)
    let body: unknown
    try {
      body = parseAsSent(bytes) ?? JSON.parse(bytes.toString())
    } catch {
      return asFastify(request, bytes.toString(), done)
    }
    request.isShallow = isHarmless(body, MAX_LEVELS, POISON)
    if (!request.isShallow) return asFastify(request, bytes.toString(), done)
    done(null, body)
  }
  app.decorateRequest('isShallow', false)
  app.addContentTypeParser('application/json', (request, payload, done: Done) => {
    readBody(request, payload, (error, bytes) => error ? done(error) : parse(request, bytes, done))
  })
  // Clients send the type with every request. Without a body it tells nothing, and Fastify would look for one.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.method !== 'POST' && !hasBody(request.raw)) delete request.raw.headers['content-type']
    done()
  })
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.isShallow || isHarmless(request.body, MAX_LEVELS, NOTHING)) return done()
    done(new InvalidRequestError(`The JSON body of your request is nested too deeply. At most ${MAX_LEVELS} levels are read.`))
  })
}

function hasBody ({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Whether a value has no more than so many levels, and no member of these names. */
function isHarmless (value: unknown, levels: number, poison: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && !isHarmless(item, levels - 1, poison)) return false
    return true
  }
  for (const name in value) {
    if (poison.has(name) || !isHarmless((value as Record<string, unknown>)[name], levels - 1, poison)) return false
  }
  return true
}
