import t from 'tap'
import { toUsageText } from '../../../src/cli/usage/table.ts'
import { emptyRow } from '../../../src/stores/ledger/ledger.ts'
import { toReport, type AccountState, type KeyBudget } from '../../../src/usage/report.ts'

const DATE = '2026-03-01'
const NOW = new Date('2026-03-01T18:29:30Z')
const ann = { account: 'default', model: '@cf/meta/llama-3.2-1b-instruct', key: 'ann' }
const rows = [
  { ...emptyRow(DATE, ann), requests: 1_200, errors: 3, inputTokens: 120_000, cachedInputTokens: 500, outputTokens: 40_000, reasoningTokens: 0, microNeurons: 2_750_126_000 },
  { ...emptyRow(DATE, { ...ann, key: 'bob', model: '@cf/new/model' }), requests: 1, unpricedCalls: 1, estimatedMicroNeurons: 5_000_000 }
]

function text ({ key, budgets = new Map<string, KeyBudget>(), account = {}, now = NOW }: { key?: string, budgets?: Map<string, KeyBudget>, account?: Partial<AccountState>, now?: Date } = {}): string {
  return toUsageText(toReport({ date: DATE, rows, key, budgets, accounts: [{ name: 'default', freeLimit: 10_000, ...account }] }), now)
}

t.equal(text(), `Usage of 2026-03-01 (UTC); the day ends in 5 h 31 min.

default  [######################........]  72 %  7,244.87 of 10,000 free neurons left

key    requests  errors    input  cached  output  reasoning   neurons  estimated
ann       1,200       3  120,000     500  40,000          0  2,750.13          0
bob           1       0        0       0       0          0         0          5
total     1,201       3  120,000     500  40,000          0  2,750.13          5

model                           requests  errors    input  cached  output  reasoning   neurons  estimated
@cf/meta/llama-3.2-1b-instruct     1,200       3  120,000     500  40,000          0  2,750.13          0
@cf/new/model (price unknown)          1       0        0       0       0          0         0          5
`)

t.match(text({ account: { freeLimit: 1_000 } }), `[${'.'.repeat(30)}]   0 %  0 of 1,000 free neurons left`)
t.match(text({ account: { out: { reason: 'cloudflare', untilMs: 0 } } }), '0 of 10,000 free neurons left; Cloudflare says that the account has used them up')
t.match(text({ account: { out: { reason: 'free_allocation', untilMs: 0 } } }), '; refused until 00:00 UTC by FREE_NEURONS_GUARD')
t.notMatch(text({ now: new Date('2026-03-05T00:00:00Z') }), 'ends in', 'a past day has ended')
t.notMatch(text({ key: 'ann' }), /bob|free neurons/, 'a key sees its own use')
t.match(text({ budgets: new Map([['ann', { limit: 5_000, used: 2_750, reserved: 0, remaining: 2_250, resets_at: 0 }]]) }), '\nann has 2,250 of 5,000 neurons left.\n')
