import type { ConfigLine } from '../../settings/reader.ts'
import { SETTINGS, type Settings } from '../../settings/schema.ts'
import { toNotice } from '../../settings/misspellings.ts'
import { toSubject, type Problem } from '../../settings/problem.ts'
import type { SettingsReading } from '../../settings/reader.ts'
import { isLetIn, checkAccount, checkToken } from './credentials.ts'
import type { ProbeResults } from './probe.ts'
import type { CheckContext, Finding, CheckResult } from './finding.ts'
import { checkNetwork } from './network.ts'
import { checkRun } from './run.ts'
import { toSentence, toFailureKind } from '../../workers-ai/transport/failure-kind.ts'

/** The finding of settings that can be used: where account id and token came from. */
export function toSettingsFinding (lines: readonly ConfigLine[], { upstream }: Pick<Settings, 'upstream'>, { unread = [], misspelled = [] }: Partial<Pick<SettingsReading, 'unread' | 'misspelled'>> = {}): Finding {
  const told = lines.filter(({ name, value }) => value !== undefined && ['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_ACCOUNTS'].includes(name))
  const message = upstream === 'simulator'
    ? 'UPSTREAM is simulator: the simulator answers in place of Cloudflare.'
    : `${told.map(({ name, origin }) => `${name} comes from ${origin}`).join(', ')}.`
  const ignored = unread.length === 0 ? [] : [`Only settings are read from .env; ${unread.join(', ')} has no effect there.`]
  const next = [...ignored, ...misspelled.map(toNotice)].join(' ')
  return next === '' ? { check: 'settings', verdict: 'ok', message } : { check: 'settings', verdict: 'warning', message, next }
}

/** A finding for each problem of settings that cannot be used. */
export function toProblemFindings (problems: readonly Problem[]): Finding[] {
  return problems.map(({ name, message, hint = SETTINGS.find(setting => setting.name === name)?.howToGet }) => ({
    check: 'settings',
    verdict: 'failed',
    message: `${toSubject(name, message)}.`,
    next: hint ?? 'Correct it; --help without doctor lists every setting.',
    blame: 'settings'
  }))
}

/** Judges what Cloudflare answered: a finding for each check but that of the settings, in their order. */
export function toFindings (results: ProbeResults, rest: Omit<CheckContext, 'failures'>): Finding[] {
  const { listing, run } = results
  const context: CheckContext = {
    ...rest,
    failures: {
      listing: 'error' in listing ? toFailureKind(listing.error) : undefined,
      run: run.outcome === 'failed' ? toFailureKind(run.error) : undefined
    }
  }
  const { account } = rest
  const findings: Finding[] = [
    { check: 'network', ...checkNetwork(listing, context) },
    { check: 'account', ...checkAccount(run, context) },
    { check: 'token', ...checkToken(run, context) },
    { check: 'models', ...checkModels(results, context) },
    { check: 'run', ...checkRun(results, context) }
  ]
  return account === undefined ? findings : findings.map(finding => ({ ...finding, account }))
}

/** Without the list the proxy knows only the models it was built with, which is no failure. */
function checkModels ({ listing, run }: ProbeResults, { failures }: CheckContext): CheckResult {
  if ('models' in listing) {
    const chats = listing.models.filter(({ task }) => task === 'text-generation').length
    return { verdict: 'ok', message: `${listing.models.length} models are listed; ${chats} of them are for chat.` }
  }
  if (failures.listing === 'other') {
    return {
      verdict: 'warning',
      message: `Cloudflare did not list its models: ${toSentence(listing.error)}`,
      next: 'Until it does, the proxy uses its built-in list; https://www.cloudflarestatus.com lists outages.'
    }
  }
  if (!isLetIn(run, failures)) return { verdict: 'skipped', message: 'Not checked because of the failure above.' }
  return {
    verdict: 'warning',
    message: 'The token may run models but not list them, so the proxy uses its built-in list.',
    next: 'Give it the account permission "Workers AI: Read" at https://dash.cloudflare.com/profile/api-tokens.'
  }
}
