import type { Settings } from '../../settings/schema.ts'
import type { FailureKind } from '../../workers-ai/transport/failure-kind.ts'

/** The checks, in order. */
export type CheckName = 'settings' | 'network' | 'account' | 'token' | 'models' | 'run' | 'redis'

/** The category of a failure, which determines the exit code. */
export type FailureCategory = 'settings' | 'credentials' | 'network' | 'model' | 'other'

/** `skipped`: impossible after an earlier failure, or switched off (`--no-run`). Texts are whole sentences without secrets. */
export type CheckResult =
  | { verdict: 'ok' | 'skipped', message: string }
  | { verdict: 'warning', message: string, next: string }
  | { verdict: 'failed', message: string, next: string, blame: FailureCategory }

/** The result of one check. `account` names the one it is about, where there are several. */
export type Finding = { check: CheckName, account?: string } & CheckResult

/** What a check needs besides the answers. */
export interface CheckContext {
  settings: Pick<Settings, 'upstream' | 'cloudflare'>
  /** The name of the account, where there are several. */
  account?: string | undefined
  /** To compute the time until the daily quota resets. */
  now: Date
  /** Why the list and the run failed; undefined without a failure or without a request. */
  failures: { listing: FailureKind | undefined, run: FailureKind | undefined }
}
