import t from 'tap'
import type { Run } from '../../../src/cli/doctor/probe.ts'
import { checkRun } from '../../../src/cli/doctor/run.ts'
import { UpstreamError } from '../../../src/errors.ts'
import { answered, failed, listed, MODEL, refusal, toContext, unlisted, unreachable } from './answers.ts'

const cases: Array<{ name: string, given: Run, expected: object }> = [
  { name: 'an answer is told with its time and price', given: answered, expected: { verdict: 'ok', message: `${MODEL} answered in 800 ms, for 0.04 neurons.` } },
  { name: 'the price is not always told', given: { outcome: 'answered', model: MODEL, ms: 5, neurons: undefined }, expected: { verdict: 'ok', message: `${MODEL} answered in 5 ms.` } },
  { name: 'a run nobody wants', given: { outcome: 'skipped', reason: 'unwanted' }, expected: { verdict: 'skipped', message: /--no-run/ } },
  { name: 'a run that cannot work', given: { outcome: 'skipped', reason: 'pointless' }, expected: { verdict: 'skipped', message: /because of the failure above/ } },
  { name: 'a name of no model', given: { outcome: 'unfit', model: 'gpt-9' }, expected: { verdict: 'failed', message: 'The model "gpt-9" cannot be run here.', next: /^Choose another model with --model, e\.g\. @cf\//, blame: 'model' } },
  { name: 'the day\'s neurons, and when there are new ones', given: failed(refusal(4006)), expected: { verdict: 'failed', message: 'The account has used its free neurons of the day (4006).', next: /00:00 UTC, in 5 h 45 min; .*https:\/\/dash\.cloudflare\.com\/.*plans/, blame: 'model' } },
  { name: 'the same by its documented code', given: failed(refusal(3036)), expected: { message: /free neurons of the day \(3036\)/ } },
  { name: 'no capacity', given: failed(refusal(3040)), expected: { verdict: 'failed', message: `Cloudflare has no capacity for ${MODEL} at the moment (3040).`, next: /MODEL_FALLBACKS/, blame: 'model' } },
  { name: 'a licence', given: failed(refusal(5016)), expected: { verdict: 'failed', message: `The licence of ${MODEL} is not accepted (5016).`, next: '-d \'{"prompt":"agree"}\'', blame: 'model' } },
  { name: 'a model of the paid plan', given: failed(refusal(5035)), expected: { verdict: 'failed', message: `${MODEL} needs the Workers Paid plan (5035).`, next: /plans.*--model/, blame: 'model' } },
  { name: 'a model that is not for everybody', given: failed(refusal(5018)), expected: { verdict: 'failed', message: /may not run/, next: /--model/, blame: 'model' } },
  { name: 'the same by its other code', given: failed(refusal(3041)), expected: { message: /may not run .*\(3041\)/ } },
  { name: 'an account that is closed out', given: failed(refusal(3023)), expected: { verdict: 'failed', message: /may not use Workers AI/, next: /support/, blame: 'model' } },
  { name: 'a retired model', given: failed(refusal(5028)), expected: { verdict: 'failed', message: `${MODEL} has been retired (5028).`, next: /--model/, blame: 'model' } },
  { name: 'a retired model with a successor', given: { ...failed(refusal(5028)), model: '@cf/moonshotai/kimi-k2.5' } as Run, expected: { message: '@cf/moonshotai/kimi-k2.5 has been retired (5028).', next: /^The proxy calls its successor @cf\/moonshotai\/kimi-k2\.6 instead, .* Choose another model/ } },
  { name: 'a refused token is judged elsewhere', given: failed(refusal(10000)), expected: { verdict: 'skipped' } },
  { name: 'so is an unknown account', given: failed(refusal(7003)), expected: { verdict: 'skipped' } },
  { name: 'anything else, in Cloudflare\'s words', given: failed(refusal(5006)), expected: { verdict: 'failed', message: 'Cloudflare refused the run: in its own words (5006).', next: /errors.*cloudflarestatus/, blame: 'other' } },
  { name: 'a failure without a code', given: failed(new UpstreamError('Cloudflare answered 502 with a web page', { kind: 'refused', status: 502 })), expected: { message: 'Cloudflare refused the run: Cloudflare answered 502 with a web page.', blame: 'other' } },
  { name: 'a model that is too slow', given: failed(new UpstreamError('Cloudflare did not begin to answer within 60 s', { kind: 'timeout' })), expected: { verdict: 'failed', message: /did not answer in time: .* 60 s\.$/, next: /another model/, blame: 'model' } },
  { name: 'a connection that was there before', given: failed(unreachable('ECONNRESET')), expected: { verdict: 'failed', message: /ECONNRESET/, blame: 'network' } },
  ...[3007, 3046].map(code => ({ name: `the model's own time limit, ${code}`, given: failed(refusal(code, { status: 408 })), expected: { verdict: 'failed', message: `${MODEL} did not answer within its time limit (${code}).`, blame: 'model' } })),
  { name: 'a bare 404', given: failed(new UpstreamError('Cloudflare answered 404 without saying why', { kind: 'refused', status: 404 })), expected: { message: `Cloudflare has no model ${MODEL}.`, blame: 'model' } },
  ...[5007, 7000, 7001, 3042].map(code => ({ name: `no such model, ${code}`, given: failed(refusal(code)), expected: { verdict: 'failed', message: `Cloudflare has no model ${MODEL} (${code}).`, blame: 'model' } }))
]
for (const { name, given, expected } of cases) {
  const results = { listing: listed, run: given }
  t.match(checkRun(results, toContext(results)), expected, name)
}

t.test('the model that failed is not suggested', async t => {
  const results = { listing: listed, run: { ...failed(refusal(5035)), model: '@cf/ibm-granite/granite-4.0-h-micro' } as Run }
  const { next = '' } = checkRun(results, toContext(results)) as { next?: string }
  t.match(next, /another model with --model, e\.g\. @cf\//)
  t.notMatch(next, 'granite')
})

t.test('without a list no models are suggested', async t => {
  const results = { listing: unlisted(refusal(10000)), run: failed(refusal(5028)) }
  t.match(checkRun(results, toContext(results)), { next: /^Choose another model with --model; clients/ })
})
