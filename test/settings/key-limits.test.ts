import t from 'tap'
import { findFault, readKeyLimits } from '../../src/settings/key-limits.ts'

const names = new Set(['alice', 'ci'])

t.strictSame(
  readKeyLimits('{"alice":{"rpm":60,"neurons_per_day":0.5,"models":["a"]},"*":{}}'),
  new Map([['alice', { rpm: 60, neurons_per_day: 0.5, models: ['a'] }], ['*', {}]])
)
t.strictSame(readKeyLimits('{"alice":{"rpm":"60","neurons_per_day":"0.5"}}'), new Map([['alice', { rpm: 60, neurons_per_day: 0.5 }]]), 'numbers of a config file are text')
for (const text of ['', '[]', 'null', '1', '{"alice":60}', '{"alice":[]}', '{"alice":null}', '{']) t.equal(readKeyLimits(text), undefined, text)

const faults: Array<{ limits: object, isPassthrough?: boolean, fault: string | undefined }> = [
  { limits: {}, fault: undefined },
  { limits: { alice: { rpm: 1, tpm: '9000', rpd: 2, parallel: 3, neurons_per_day: 0.001, neurons_per_month: '12.5', models: ['@cf/a/b'] }, '*': {} }, fault: undefined },
  { limits: { alise: { rpm: 1 } }, fault: 'has an entry for "alise", but the names in API_KEYS are alice, ci; did you mean alice?' },
  { limits: { bob: { rpm: 1 } }, fault: 'has an entry for "bob", but the names in API_KEYS are alice, ci' },
  {
    limits: { alice: { rpm: 1 } },
    isPassthrough: true,
    fault: 'has an entry for "alice", but with AUTH_MODE=passthrough no key has a name; expected only "*", which limits each token by itself'
  },
  { limits: { '*': { rpm: 1 } }, isPassthrough: true, fault: undefined },
  { limits: { alice: { rmp: 1 } }, fault: '"alice" has the unknown limit "rmp"; did you mean rpm?' },
  {
    limits: { '*': { budget_in_dollars: 1 } },
    fault: '"*" has the unknown limit "budget_in_dollars"; expected rpm, tpm, rpd, parallel, neurons_per_day, neurons_per_month, models'
  },
  ...[0, -1, 1.5, '1.5', '', 'many', null, true, [1], 1e10].map(rpm => ({
    limits: { alice: { rpm } },
    fault: `"alice" has a wrong rpm (${JSON.stringify(rpm)}); expected a whole number from 1 to 1000000000`
  })),
  { limits: { alice: { neurons_per_day: 0 } }, fault: '"alice" has a wrong neurons_per_day (0); expected a number above 0 and up to 1000000000' },
  ...[[], 'a', [''], [1], {}].map(models => ({ limits: { alice: { models } }, fault: '"alice" has wrong models; expected a list of at least one name of a model' }))
]
for (const { limits, isPassthrough = false, fault } of faults) t.equal(findFault(JSON.stringify(limits), names, isPassthrough), fault, JSON.stringify(limits))

t.equal(findFault('{"bob":{}}', new Set(), false), 'has an entry for "bob", but no key of API_KEYS has a name (name:key)')
t.equal(findFault('{"__proto__":{"rpm":1}}', new Set(['__proto__']), false), undefined)
