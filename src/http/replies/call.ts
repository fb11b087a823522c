import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CancelSignal } from '../../generation/cancellation.ts'
import type { Change } from '../../generation/change.ts'
import type { Write } from '../../generation/pipeline.ts'
import type { Allowance } from '../../inference/allowance.ts'
import type { Call, TokenOwner } from '../../inference/call.ts'
import type { RequestRecord } from '../../inference/request-record.ts'
import type { Settings } from '../../settings/schema.ts'
import { toContentLog, type ContentLog } from '../../telemetry/content-log.ts'
import { toCredential, tokenOwner } from '../access/auth.ts'
import { NativeFrames } from './native-frames.ts'
import { toSessionAffinity } from './session-affinity.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Reports that the model in the path counts, and not the one in the body. */
    modelChange: Change | undefined
    /** Native frames for its client; undefined where it has not asked for them. */
    nativeFrames: NativeFrames | undefined
    /** What its key may use; undefined for a key without limits. */
    allowance: Allowance | undefined
  }
}

/**
 * What one HTTP request brings beside its body. It counts as an answer that is under way from now on.
 * @throws ProxyError 503 with `retry-after` when there are too many, or the key has its share; ClientDisconnectedError when
 *   its client has left already
 */
export function toCall (request: FastifyRequest, reply: FastifyReply, settings: Pick<Settings, 'logContent'>): Call {
  const signal = reply.server.activeRequests.open(reply)
  if (request.headers['x-native-frames'] === 'true') request.nativeFrames = new NativeFrames()
  return new HttpCall(request, reply, settings, signal)
}

/** A view of a request with getters: most requests never read half of this. */
class HttpCall implements Call {
  readonly record: RequestRecord
  readonly signal: CancelSignal
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #settings: Pick<Settings, 'logContent'>

  constructor (request: FastifyRequest, reply: FastifyReply, settings: Pick<Settings, 'logContent'>, signal: CancelSignal) {
    this.record = request.record
    this.signal = signal
    this.#request = request
    this.#reply = reply
    this.#settings = settings
  }

  get log (): FastifyRequest['log'] {
    return this.#request.log
  }

  get apiToken (): string | undefined {
    return this.#request.apiToken
  }

  get tokenOwner (): TokenOwner {
    return tokenOwner(this.#request)
  }

  get caller (): string | undefined {
    return this.#request.caller
  }

  get credential (): string {
    return toCredential(this.#request)
  }

  get allowance (): Allowance | undefined {
    return this.#request.allowance
  }

  get seesAccounts (): boolean {
    return this.#request.server.maySeeAll(this.#request)
  }

  get isDryRun (): boolean {
    return this.#request.headers['x-dry-run'] === 'true'
  }

  get cacheControl (): string | undefined {
    return this.#request.headers['cache-control']
  }

  get simulatorWords (): string | string[] | undefined {
    return this.#request.headers['x-simulator']
  }

  get modelChange (): Change | undefined {
    return this.#request.modelChange
  }

  get observer (): ContentLog | undefined {
    return toContentLog(this.#request, this.#settings)
  }

  get onFrame (): Write<string> | undefined {
    return this.#request.nativeFrames?.write
  }

  toSessionAffinity (cacheKey: string | undefined, cachePrefix: readonly unknown[]): string {
    return toSessionAffinity(this.#request, cacheKey, cachePrefix)
  }

  elapsedMs (): number {
    return this.#reply.elapsedTime
  }

  holdMemory (bytes: number): void {
    this.#request.heldMemory?.grow(bytes)
  }

  releaseMemory (): void {
    this.#request.heldMemory?.release()
  }
}
