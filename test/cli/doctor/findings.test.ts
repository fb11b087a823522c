import t from 'tap'
import { toFindings, toProblemFindings, toSettingsFinding } from '../../../src/cli/doctor/findings.ts'
import { answered, failed, listed, refusal, toContext, unlisted, unreachable } from './answers.ts'

const lines = [
  { name: 'PORT', value: '8686', secret: false, origin: 'default' },
  { name: 'CLOUDFLARE_ACCOUNT_ID', value: 'not to be shown', secret: false, origin: 'the environment' },
  { name: 'CLOUDFLARE_API_TOKEN', value: 'not to be shown', secret: true, origin: 'CF_API_TOKEN in the environment' }
]
t.same(toSettingsFinding(lines, { upstream: 'cloudflare' }), {
  check: 'settings', verdict: 'ok', message: 'CLOUDFLARE_ACCOUNT_ID comes from the environment, CLOUDFLARE_API_TOKEN comes from CF_API_TOKEN in the environment.'
}, 'an old variable that is still set is seen')
t.match(toSettingsFinding(lines, { upstream: 'cloudflare' }, { unread: ['NODE_OPTIONS'], misspelled: [{ name: 'PROT', where: '.env', meant: 'PORT' }] }), { verdict: 'warning', next: 'Only settings are read from .env; NODE_OPTIONS has no effect there. PROT in .env is not a setting. Did you mean PORT?' })
t.match(toSettingsFinding(lines, { upstream: 'simulator' }), { verdict: 'ok', message: /^UPSTREAM is simulator/ })

t.same(toProblemFindings([
  { name: 'CLOUDFLARE_API_TOKEN', message: 'got a value (hidden) from --x; expected a token' },
  { name: 'API_KEYS', message: 'cannot read the file that API_KEYS_FILE names (ENOENT)', hint: 'Check the path.' },
  { name: 'PORT', message: 'got "x"; expected a number' }
]).map(finding => 'next' in finding && [finding.message, finding.next]), [
  ['CLOUDFLARE_API_TOKEN: got a value (hidden) from --x; expected a token.', 'Make one at https://dash.cloudflare.com/profile/api-tokens with the account permissions "Workers AI: Read" and "Workers AI: Edit".'],
  ['API_KEYS: cannot read the file that API_KEYS_FILE names (ENOENT).', 'Check the path.'],
  ['PORT: got "x"; expected a number.', 'Correct it; --help without doctor lists every setting.']
], 'every problem has a next step: its own, where to get the setting, or the list of all')

const unwanted = { outcome: 'skipped', reason: 'unwanted' } as const
const cases = [
  { name: 'all is well', given: { listing: listed, run: answered }, expected: 'ok ok ok ok ok', models: /^\d+ models are listed; \d+ of them are for chat\.$/ },
  { name: 'no run', given: { listing: listed, run: unwanted }, expected: 'ok ok ok ok skipped' },
  { name: 'a token that may not list', given: { listing: unlisted(refusal(10000)), run: answered }, expected: 'ok ok ok warning ok', models: /may run models but not list them/ },
  { name: 'a wrong token', given: { listing: unlisted(refusal(10000)), run: failed(refusal(10000)) }, expected: 'ok skipped failed skipped skipped' },
  { name: 'a wrong account', given: { listing: unlisted(refusal(7003)), run: { outcome: 'skipped', reason: 'pointless' } as const }, expected: 'ok failed skipped skipped skipped' },
  { name: 'no network', given: { listing: unlisted(unreachable('ECONNREFUSED')), run: { outcome: 'skipped', reason: 'pointless' } as const }, expected: 'failed skipped skipped skipped skipped' },
  { name: 'a Cloudflare that does not list today', given: { listing: unlisted(refusal(1000, { status: 500 })), run: answered }, expected: 'ok ok ok warning ok', models: /^Cloudflare did not list its models: in its own words \(1000\)\.$/ },
  { name: 'a model that is busy', given: { listing: listed, run: failed(refusal(3040)) }, expected: 'ok ok ok ok failed' }
]
for (const { name, given, expected, models } of cases) {
  const { settings, now } = toContext(given)
  const findings = toFindings(given, { settings, now })
  t.equal(findings.map(({ verdict }) => verdict).join(' '), expected, name)
  t.same(findings.map(({ check }) => check), ['network', 'account', 'token', 'models', 'run'])
  if (models) t.match(findings[3]?.message, models)
}
