import type { CancelSignal } from '../../src/generation/cancellation.ts'
import type { Call } from '../../src/inference/call.ts'
import { RequestRecord } from '../../src/inference/request-record.ts'

/** A call of nobody in particular, which came just now. */
export function quietCall (signal: CancelSignal = new AbortController().signal): Call {
  return {
    record: new RequestRecord(),
    log: { debug: () => {}, error: () => {} },
    signal,
    apiToken: undefined,
    tokenOwner: 'proxy',
    caller: undefined,
    credential: '',
    allowance: undefined,
    seesAccounts: false,
    isDryRun: false,
    cacheControl: undefined,
    simulatorWords: undefined,
    modelChange: undefined,
    observer: undefined,
    onFrame: undefined,
    toSessionAffinity: (cacheKey = 'session') => cacheKey,
    elapsedMs: () => 0,
    holdMemory: () => {},
    releaseMemory: () => {}
  }
}
