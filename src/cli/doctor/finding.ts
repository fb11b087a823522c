import type { Settings } from '../../settings/schema.ts'
import type { FailureKind } from '../../workers-ai/transport/failure-kind.ts'

/** What the doctor looks at, in this order. */
export type CheckName = 'settings' | 'network' | 'account' | 'token' | 'models' | 'run'

/** Whose fault a failure is; the exit code follows from it. */
export type FailureCategory = 'settings' | 'credentials' | 'network' | 'model' | 'other'

/** `skipped`: it could not be looked at, or was not to be. Both texts are whole sentences that name no secret. */
export type CheckResult =
  | { verdict: 'ok' | 'skipped', message: string }
  | { verdict: 'warning', message: string, next: string }
  | { verdict: 'failed', message: string, next: string, blame: FailureCategory }

/** What one check found. */
export type Finding = { check: CheckName } & CheckResult

/** What the judgement rests on besides the answers. */
export interface CheckContext {
  settings: Pick<Settings, 'upstream' | 'cloudflare'>
  /** For the time until the daily quota is renewed. */
  now: Date
  /** What kept the list from coming, and the run from an answer; undefined where nothing did, or nothing was asked. */
  failures: { listing: FailureKind | undefined, run: FailureKind | undefined }
}
