import { UpstreamError } from '../../errors.ts'
import { SETTINGS, type SettingName } from '../../settings/schema.ts'
import { toFacts, UNKNOWN_ACCOUNT } from '../../workers-ai/transport/error-codes.ts'
import type { Run } from './probe.ts'
import type { CheckContext, CheckResult } from './finding.ts'

const TOKENS_PAGE = 'https://dash.cloudflare.com/profile/api-tokens'

/** Checks whether the account id is valid. */
export function checkAccount (run: Run, context: CheckContext): CheckResult {
  const { settings, failures } = context
  if (failures.listing === 'account' || failures.run === 'account') {
    return refused(`Cloudflare does not know this account (${UNKNOWN_ACCOUNT}): ${toShapeOfAccount(settings.cloudflare.accountId, nameOf('CLOUDFLARE_ACCOUNT_ID', context))}.`, 'CLOUDFLARE_ACCOUNT_ID')
  }
  if (failures.listing === undefined || isLetIn(run, failures)) return { verdict: 'ok', message: `${toName(settings)} knows the account.` }
  return skipped(failures.listing === 'network' ? 'Unknown until Cloudflare can be reached.' : 'Unknown until Cloudflare accepts the token.')
}

/** Checks whether the token is valid for this account and may run models. */
export function checkToken (run: Run, context: CheckContext): CheckResult {
  const { settings, failures } = context
  const { cloudflare } = settings
  if (failures.listing === 'network') return skipped('Unknown until Cloudflare can be reached.')
  if (failures.listing === 'account' || failures.run === 'account') return skipped('Unknown until the account id is correct.')
  if (cloudflare.apiToken === '') return skipped('AUTH_MODE is passthrough, so clients send their own token. Set CLOUDFLARE_API_TOKEN to check a token here.')
  if (run.outcome === 'failed' && failures.run === 'token') return checkRefusal(run.error, context)
  if (isLetIn(run, failures)) return { verdict: 'ok', message: `${toName(settings)} accepts the token${run.outcome === 'answered' ? ', and the token may run models' : ''}.` }
  if (failures.listing !== 'token') return skipped('Unknown, because Cloudflare itself failed.')
  return {
    verdict: 'failed',
    message: 'Cloudflare refused the token when the doctor requested the list of models; it is unknown whether the token may run them.',
    next: `Omit --no-run to check that, or replace the token: ${toHowToGet('CLOUDFLARE_API_TOKEN')}`,
    blame: 'credentials'
  }
}

/** Whether Cloudflare answered after it had accepted the account id and the token. */
export function isLetIn (run: Run, failures: CheckContext['failures']): boolean {
  if (failures.run === 'account' || failures.run === 'token') return false
  return failures.listing === undefined || run.outcome === 'answered' || failures.run === 'other'
}

function checkRefusal (error: unknown, context: CheckContext): CheckResult {
  const code = error instanceof UpstreamError ? error.code : undefined
  const inBrackets = code === undefined ? '' : ` (${code})`
  if (error instanceof UpstreamError && toFacts(error).meaning === 'gateway-token') {
    return refused(`The AI Gateway requires its own token${inBrackets}, and ${nameOf('CLOUDFLARE_AI_GATEWAY_TOKEN', context)} is missing or wrong.`, 'CLOUDFLARE_AI_GATEWAY_TOKEN')
  }
  if (context.failures.listing !== undefined) return refused(`Cloudflare refused the token${inBrackets}: ${toShapeOfToken(context.settings.cloudflare.apiToken, nameOf('CLOUDFLARE_API_TOKEN', context))}.`, 'CLOUDFLARE_API_TOKEN')
  return {
    verdict: 'failed',
    message: `The token may list models but not run them${inBrackets}.`,
    next: `Give it the account permission "Workers AI: Edit" at ${TOKENS_PAGE}.`,
    blame: 'credentials'
  }
}

/** Never shows the account id, because a wrong one is often a token. */
function toShapeOfAccount (id: string, name: string): string {
  if (/^[\da-f]{32}$/i.test(id)) return `${name} has the form of an account id, but there is no such account`
  const suspicion = id.length >= 37 ? ' (like an API token)' : ''
  return `${name} has ${id.length} characters${suspicion}; an account id has 32 hexadecimal digits`
}

function toShapeOfToken (token: string, name: string): string {
  if (/^[\da-f]{37}$/i.test(token)) return `${name} has the form of a Global API Key, which is not a token`
  if (/^[\da-f]{32}$/i.test(token)) return `${name} has the form of an account id`
  return `${name} is wrong, expired, or for another account`
}

/** Where each stands in `CLOUDFLARE_ACCOUNTS`. */
const MEMBERS = {
  CLOUDFLARE_ACCOUNT_ID: 'its account_id',
  CLOUDFLARE_API_TOKEN: 'its api_token',
  CLOUDFLARE_AI_GATEWAY_TOKEN: 'the token of its gateway'
}

function nameOf (setting: keyof typeof MEMBERS, { account }: CheckContext): string {
  return account === undefined ? setting : MEMBERS[setting]
}

function toName ({ upstream }: CheckContext['settings']): string {
  return upstream === 'simulator' ? 'The simulator' : 'Cloudflare'
}

function refused (message: string, culprit: SettingName): CheckResult {
  return { verdict: 'failed', message, next: toHowToGet(culprit), blame: 'credentials' }
}

function skipped (message: string): CheckResult {
  return { verdict: 'skipped', message }
}

function toHowToGet (name: SettingName): string {
  return SETTINGS.find(setting => setting.name === name)?.howToGet ?? ''
}
