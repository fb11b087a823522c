import { UpstreamError } from '../../errors.ts'
import { SETTINGS, type SettingName } from '../../settings/schema.ts'
import { toFacts, UNKNOWN_ACCOUNT } from '../../workers-ai/transport/error-codes.ts'
import type { Run } from './probe.ts'
import type { Facts, Verdict } from './finding.ts'

const TOKENS_PAGE = 'https://dash.cloudflare.com/profile/api-tokens'

/** Whether the account id is one. */
export function judgeAccount (run: Run, { settings, troubles }: Facts): Verdict {
  if (troubles.listing === 'account' || troubles.run === 'account') {
    return refused(`Cloudflare knows no such account (${UNKNOWN_ACCOUNT}): ${toShapeOfAccount(settings.cloudflare.accountId)}.`, 'CLOUDFLARE_ACCOUNT_ID')
  }
  if (troubles.listing === undefined || isLetIn(run, troubles)) return { verdict: 'ok', message: `${toName(settings)} knows the account.` }
  return skipped(troubles.listing === 'network' ? 'Not known before Cloudflare can be reached.' : 'Not known before Cloudflare takes the token.')
}

/** Whether the token is one, for this account, and may run models. */
export function judgeToken (run: Run, { settings, troubles }: Facts): Verdict {
  const { cloudflare } = settings
  if (troubles.listing === 'network') return skipped('Not known before Cloudflare can be reached.')
  if (troubles.listing === 'account' || troubles.run === 'account') return skipped('Not known before the account id is right.')
  if (cloudflare.apiToken === '') return skipped('AUTH_MODE is passthrough, so clients bring theirs; one in CLOUDFLARE_API_TOKEN would be tried here.')
  if (run.outcome === 'failed' && troubles.run === 'token') return judgeRefusal(run.error, cloudflare.apiToken, troubles.listing === undefined)
  if (isLetIn(run, troubles)) return { verdict: 'ok', message: `${toName(settings)} takes the token${run.outcome === 'answered' ? ', and it may run models' : ''}.` }
  if (troubles.listing !== 'token') return skipped('Not known, because Cloudflare was in trouble itself.')
  return {
    verdict: 'failed',
    message: 'Cloudflare refused the token when it was asked for its models; whether it may run them was not tried.',
    next: `Leave out --no-run to have that tried, or renew the token: ${toSource('CLOUDFLARE_API_TOKEN')}`,
    blame: 'credentials'
  }
}

/** Whether an answer came from behind the door where account id and token are looked at. */
export function isLetIn (run: Run, troubles: Facts['troubles']): boolean {
  if (troubles.run === 'account' || troubles.run === 'token') return false
  return troubles.listing === undefined || run.outcome === 'answered' || troubles.run === 'other'
}

function judgeRefusal (error: unknown, token: string, mayList: boolean): Verdict {
  const code = error instanceof UpstreamError ? error.code : undefined
  const inBrackets = code === undefined ? '' : ` (${code})`
  if (error instanceof UpstreamError && toFacts(error).meaning === 'gateway-token') {
    return refused(`The AI Gateway asks for a token of its own${inBrackets}, and CLOUDFLARE_AI_GATEWAY_TOKEN is not it.`, 'CLOUDFLARE_AI_GATEWAY_TOKEN')
  }
  if (!mayList) return refused(`Cloudflare refused the token${inBrackets}: ${toShapeOfToken(token)}.`, 'CLOUDFLARE_API_TOKEN')
  return {
    verdict: 'failed',
    message: `The token may list models, but not run them${inBrackets}.`,
    next: `Give it the account permission "Workers AI: Edit" at ${TOKENS_PAGE}.`,
    blame: 'credentials'
  }
}

/** A wrong account id is often a token, so it is never shown. */
function toShapeOfAccount (id: string): string {
  if (/^[\da-f]{32}$/i.test(id)) return 'CLOUDFLARE_ACCOUNT_ID has the form of an account id, but is that of no account'
  const suspicion = id.length >= 37 ? ', as API tokens have,' : ''
  return `CLOUDFLARE_ACCOUNT_ID has ${id.length} characters${suspicion} where an account id is 32 hexadecimal digits`
}

function toShapeOfToken (token: string): string {
  if (/^[\da-f]{37}$/i.test(token)) return 'CLOUDFLARE_API_TOKEN has the form of a Global API Key, which is no token'
  if (/^[\da-f]{32}$/i.test(token)) return 'CLOUDFLARE_API_TOKEN has the form of an account id'
  return 'CLOUDFLARE_API_TOKEN is wrong, has expired, or was made for another account'
}

function toName ({ upstream }: Facts['settings']): string {
  return upstream === 'simulator' ? 'The simulator' : 'Cloudflare'
}

function refused (message: string, culprit: SettingName): Verdict {
  return { verdict: 'failed', message, next: toSource(culprit), blame: 'credentials' }
}

function skipped (message: string): Verdict {
  return { verdict: 'skipped', message }
}

function toSource (name: SettingName): string {
  return SETTINGS.find(setting => setting.name === name)?.source ?? ''
}
