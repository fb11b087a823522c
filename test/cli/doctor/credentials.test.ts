import t from 'tap'
import { isLetIn, checkAccount, checkToken } from '../../../src/cli/doctor/credentials.ts'
import type { ProbeResults } from '../../../src/cli/doctor/probe.ts'
import { ACCOUNT_ID, answered, API_TOKEN, failed, listed, refusal, toContext, unlisted, unreachable } from './answers.ts'

interface Case {
  name: string
  given: ProbeResults
  cloudflare?: { accountId?: string, apiToken?: string }
  account: object
  token: object
}

const unwanted = { outcome: 'skipped', reason: 'unwanted' } as const
const pointless = { outcome: 'skipped', reason: 'pointless' } as const
const noToken = unlisted(refusal(10000, { status: 401 }))
const whereTheTokenIs = /^Make one at https:\/\/dash\.cloudflare\.com\/profile\/api-tokens .*"Workers AI: Read" and "Workers AI: Edit"\.$/
const whereTheAccountIs = /^Copy it from https:\/\/dash\.cloudflare\.com → AI → Workers AI → "Use REST API"\.$/

const cases: Case[] = [
  {
    name: 'both are right',
    given: { listing: listed, run: answered },
    account: { verdict: 'ok', message: 'Cloudflare knows the account.' },
    token: { verdict: 'ok', message: 'Cloudflare accepts the token, and the token may run models.' }
  },
  {
    name: 'without a run nobody knows what the token may',
    given: { listing: listed, run: unwanted },
    account: { verdict: 'ok' },
    token: { verdict: 'ok', message: 'Cloudflare accepts the token.' }
  },
  {
    name: 'an id of no account',
    given: { listing: unlisted(refusal(7003)), run: pointless },
    account: { verdict: 'failed', message: /^Cloudflare does not know this account \(7003\): CLOUDFLARE_ACCOUNT_ID has the form of an account id/, next: whereTheAccountIs, blame: 'credentials' },
    token: { verdict: 'skipped' }
  },
  {
    name: 'a token in its place',
    given: { listing: unlisted(refusal(7003)), run: pointless },
    cloudflare: { accountId: API_TOKEN },
    account: { verdict: 'failed', message: /has 40 characters \(like an API token\); an account id has 32/, blame: 'credentials' },
    token: { verdict: 'skipped' }
  },
  {
    name: 'anything else in its place',
    given: { listing: unlisted(refusal(7003)), run: pointless },
    cloudflare: { accountId: 'my-account' },
    account: { verdict: 'failed', message: /has 10 characters; an account id has 32 hexadecimal digits\.$/ },
    token: { verdict: 'skipped' }
  },
  {
    name: 'a wrong token',
    given: { listing: noToken, run: failed(refusal(10000)) },
    account: { verdict: 'skipped' },
    token: { verdict: 'failed', message: 'Cloudflare refused the token (10000): CLOUDFLARE_API_TOKEN is wrong, expired, or for another account.', next: whereTheTokenIs, blame: 'credentials' }
  },
  {
    name: 'a Global API Key',
    given: { listing: noToken, run: failed(refusal(10000)) },
    cloudflare: { apiToken: '0123456789abcdef0123456789abcdef01234' },
    account: { verdict: 'skipped' },
    token: { verdict: 'failed', message: /has the form of a Global API Key/ }
  },
  {
    name: 'an account id in place of the token',
    given: { listing: noToken, run: failed(refusal(10000)) },
    cloudflare: { apiToken: ACCOUNT_ID },
    account: { verdict: 'skipped' },
    token: { verdict: 'failed', message: /has the form of an account id/ }
  },
  {
    name: 'a token that may run but not list',
    given: { listing: noToken, run: answered },
    account: { verdict: 'ok' },
    token: { verdict: 'ok', message: /may run models/ }
  },
  {
    name: 'such a token, with a model that is busy',
    given: { listing: noToken, run: failed(refusal(3040)) },
    account: { verdict: 'ok' },
    token: { verdict: 'ok', message: 'Cloudflare accepts the token.' }
  },
  {
    name: 'such a token, or a wrong one, when no run is to tell',
    given: { listing: noToken, run: unwanted },
    account: { verdict: 'skipped' },
    token: { verdict: 'failed', message: /unknown whether the token may run them/, next: /--no-run.*api-tokens/, blame: 'credentials' }
  },
  {
    name: 'a token that may list but not run',
    given: { listing: listed, run: failed(refusal(10000)) },
    account: { verdict: 'ok' },
    token: { verdict: 'failed', message: 'The token may list models but not run them (10000).', next: /"Workers AI: Edit"/, blame: 'credentials' }
  },
  {
    name: 'a gateway that wants a token of its own',
    given: { listing: listed, run: failed(refusal(2009, { status: 401 })) },
    account: { verdict: 'ok' },
    token: { verdict: 'failed', message: /CLOUDFLARE_AI_GATEWAY_TOKEN/, next: /AI Gateway/, blame: 'credentials' }
  },
  {
    name: 'without a network nothing is known',
    given: { listing: unlisted(unreachable('ENOTFOUND')), run: pointless },
    account: { verdict: 'skipped', message: 'Unknown until Cloudflare can be reached.' },
    token: { verdict: 'skipped', message: 'Unknown until Cloudflare can be reached.' }
  },
  {
    name: 'a Cloudflare that fails tells nothing',
    given: { listing: unlisted(refusal(1000, { status: 500 })), run: unwanted },
    account: { verdict: 'skipped' },
    token: { verdict: 'skipped', message: /Cloudflare itself failed/ }
  },
  {
    name: 'clients may bring their own tokens',
    given: { listing: noToken, run: pointless },
    cloudflare: { apiToken: '' },
    account: { verdict: 'skipped' },
    token: { verdict: 'skipped', message: /AUTH_MODE is passthrough/ }
  }
]
for (const { name, given, cloudflare, account, token } of cases) {
  const context = toContext(given, cloudflare)
  const verdicts = [checkAccount(given.run, context), checkToken(given.run, context)]
  t.match(verdicts, [account, token], name)
  t.notMatch(JSON.stringify(verdicts), new RegExp([ACCOUNT_ID, API_TOKEN, 'my-account'].join('|')), 'and neither is shown')
}

t.test('the simulator is not called Cloudflare', async t => {
  const context = toContext({ listing: listed, run: answered })
  const simulated = { ...context, settings: { ...context.settings, upstream: 'simulator' as const } }
  t.match([checkAccount(answered, simulated), checkToken(answered, simulated)], [{ message: /^The simulator/ }, { message: /^The simulator/ }])
})

t.test('an answer from behind the door lets both in', async t => {
  t.equal(isLetIn(answered, { listing: 'token', run: undefined }), true)
  t.equal(isLetIn(failed(refusal(5016)), { listing: 'token', run: 'other' }), true)
  t.equal(isLetIn(unwanted, { listing: undefined, run: undefined }), true)
  t.equal(isLetIn(unwanted, { listing: 'token', run: undefined }), false)
  t.equal(isLetIn(failed(refusal(10000)), { listing: undefined, run: 'token' }), false)
})
