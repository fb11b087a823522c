import type { Change } from '../generation/change.ts'
import { keepDigits } from '../json/exact-integers.ts'
import { toBody, type RunRequest } from '../workers-ai/request/run-request.ts'
import { toText } from '../workers-ai/transport/request-body.ts'

/** What would be sent for a request, returned instead of sent. */
export interface DryRun {
  object: 'workers_ai.dry_run'
  model: string
  /** Without the account, which is not shown. */
  url: string
  /**
   * The native body of the first call, where there are several; null where nobody would be asked. `toExactJson` writes
   * its integers as they are sent.
   */
  body: unknown
  changes: Change[]
}

/** Stands for an answer where the caller wanted to see what would be sent. */
export interface DryRunAnswer {
  kind: 'dry-run'
  body: DryRun
}

/** @param stream the caller asks for a stream */
export function toDryRun (request: RunRequest, model: string, stream: boolean): DryRun {
  if (request.maxTokens === 0) return toDryRunOf(model, 'null', request.changes)
  return toDryRunOf(model, toText(toBody(request, { stream: stream && request.canStream, choice: 0, baseSeed: 1 })), request.changes)
}

/** @param body JSON text */
export function toDryRunOf (model: string, body: string, changes: Change[]): DryRun {
  const native: unknown = JSON.parse(body)
  keepDigits(native, () => body)
  return { object: 'workers_ai.dry_run', model, url: `/ai/run/${model}`, body: native, changes }
}
