import t from 'tap'
import { emptyRow, type Row } from '../../src/stores/ledger/ledger.ts'
import { toReport, toUsedMicroNeurons, type AccountState, type ReportInput } from '../../src/usage/report.ts'

const DATE = '2026-03-01'
const NONE = {
  requests: 0,
  errors: 0,
  input_tokens: 0,
  cached_input_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  neurons: 0,
  estimated_neurons: 0,
  cache_hits: 0
}

function row (names: Partial<Pick<Row, 'account' | 'model' | 'key'>>, counts: Partial<Row>): Row {
  return { ...emptyRow(DATE, { account: 'default', model: '@cf/a/b', key: 'ann', ...names }), ...counts }
}

const rows = [
  row({}, { requests: 2, errors: 1, inputTokens: 10, cachedInputTokens: 3, outputTokens: 7, reasoningTokens: 2, microNeurons: 1_980_000, cacheHits: 1 }),
  row({ key: 'bob' }, { requests: 1, microNeurons: 5_000_000, estimatedMicroNeurons: 1_000_000 }),
  row({ key: 'bob', model: '@cf/new/model' }, { requests: 1, unpricedCalls: 1 })
]
const account: AccountState = { name: 'default', freeLimit: 10_000 }

function report (given: Partial<ReportInput> = {}) {
  return toReport({ date: DATE, rows, key: undefined, budgets: new Map(), accounts: [account], ...given })
}

t.test('a day, by key, model and account', t => {
  t.strictSame(report(), {
    object: 'usage',
    date: DATE,
    resets_at: Date.UTC(2026, 2, 2) / 1_000,
    totals: {
      requests: 4,
      errors: 1,
      input_tokens: 10,
      cached_input_tokens: 3,
      output_tokens: 7,
      reasoning_tokens: 2,
      neurons: 6.98,
      estimated_neurons: 1,
      cache_hits: 1
    },
    by_key: [
      { key: 'bob', ...NONE, requests: 2, neurons: 5, estimated_neurons: 1 },
      { key: 'ann', ...NONE, requests: 2, errors: 1, input_tokens: 10, cached_input_tokens: 3, output_tokens: 7, reasoning_tokens: 2, neurons: 1.98, cache_hits: 1 }
    ],
    by_model: [
      { ...report().totals, model: '@cf/a/b', requests: 3 },
      { model: '@cf/new/model', ...NONE, requests: 1, unpriced: true }
    ],
    by_account: [{ account: 'default', ...report().totals, free_limit: 10_000, free_remaining: 9_992.02, out_until: null, out_reason: null }]
  })
  t.end()
})

t.test('a key sees its own use', t => {
  const budget = { limit: 100, used: 1.98, reserved: 0, remaining: 98.02, resets_at: 1 }
  const own = report({ key: 'ann', budgets: new Map([['ann', budget], ['bob', budget]]) })
  t.match(own, { totals: { requests: 2, neurons: 1.98 }, by_key: [{ key: 'ann', budget }], by_account: [{ requests: 2, free_limit: 10_000, free_remaining: null }] })
  t.equal(own.by_key.length, 1)
  t.strictSame(own.by_model.map(({ model }) => model), ['@cf/a/b'])
  t.notMatch(JSON.stringify(own), /bob|new/)
  t.strictSame(report({ key: 'cyd' }).by_key, [], 'of which there may be none')
  t.end()
})

t.test('a key is shown several accounts as one, without their names and outages', t => {
  const several = [row({ account: 'main' }, { requests: 2, microNeurons: 2_000_000 }), row({ account: 'backup' }, { requests: 1, microNeurons: 1_000_000 }), row({ account: 'none' }, { requests: 1 })]
  const accounts: AccountState[] = [{ name: 'main', freeLimit: 10, out: { reason: 'credentials', untilMs: 5_000 } }, { name: 'backup', freeLimit: 5 }]
  const shown = report({ rows: several, key: 'ann', accounts })
  t.strictSame(shown.by_account, [{ account: 'default', ...NONE, requests: 4, neurons: 3, free_limit: 15, free_remaining: null, out_until: null, out_reason: null }])
  t.notMatch(JSON.stringify(shown), /"main"|backup|credentials/)
  t.equal(report({ rows: [], key: 'ann', accounts }).by_account.length, 1)
  const gone = report({ rows: several, key: 'ann' })
  t.notMatch(JSON.stringify(gone), /"main"|backup/, 'nor accounts that there were on that day')
  t.match(report({ rows: several, accounts }).by_account, [{ account: 'main', out_reason: 'credentials' }, { account: 'backup' }, { account: 'none' }], 'who may see all does')
  t.end()
})

t.test('every key with a limit and every account is listed, with zeros too', t => {
  const { by_key: keys, by_account: accounts, totals } = report({ rows: [], budgets: new Map([['ann', undefined]]), accounts: [account, { name: 'second', freeLimit: 5 }] })
  t.strictSame(totals, NONE)
  t.strictSame(keys, [{ key: 'ann', ...NONE }])
  t.strictSame(accounts.map(one => [one.account, one.requests, one.free_remaining]), [['default', 0, 10_000], ['second', 0, 5]])
  t.end()
})

t.test('what is left of the free neurons', t => {
  const freeOf = (given: Partial<AccountState>) => {
    const [{ free_remaining: left, out_until: until, out_reason: reason } = { free_remaining: 0, out_until: 0, out_reason: null }] = report({ accounts: [{ ...account, ...given }] }).by_account
    return [left, until, reason]
  }
  t.strictSame(freeOf({ freeLimit: 7.98 }), [0, null, null], 'estimated neurons count')
  t.strictSame(freeOf({ freeLimit: 5 }), [0, null, null], 'no less than none')
  t.strictSame(freeOf({ out: { reason: 'cloudflare', untilMs: 5_900 } }), [0, 5, 'cloudflare'], 'Cloudflare knows better')
  t.strictSame(freeOf({ out: { reason: 'free_allocation', untilMs: 5_000 } }), [9_992.02, 5, 'free_allocation'])
  t.equal(toUsedMicroNeurons(rows), 7_980_000)
  t.end()
})
