import t from 'tap'
import { toAccountGauges } from '../../../src/telemetry/metrics/account-gauges.ts'
import { toAccountFigures, type FreeNeuronsFacts } from '../../../src/usage/free-allocation.ts'
import type { OutReason } from '../../../src/usage/report.ts'
import { askRaw } from '../../servers/http-client.ts'
import { ask, saying, startProxy } from '../../servers/start-proxy.ts'

function facts (usedMicroNeurons: number, reason?: OutReason): FreeNeuronsFacts {
  return { day: '2026-03-01', usedMicroNeurons, refusedUntilMs: 0, state: { name: 'default', freeLimit: 10, out: reason && { reason, untilMs: 0 } } }
}

/** The lines without comments. */
function samplesOf (text: string): string[] {
  return text.split('\n').filter(line => line.startsWith('workers_ai_proxy_account_'))
}

const cases: Array<{ name: string, given: FreeNeuronsFacts, remaining: number, cloudflare: number, guard: number }> = [
  { name: 'nothing used', given: facts(0), remaining: 10, cloudflare: 0, guard: 0 },
  { name: 'some used', given: facts(2_500_000), remaining: 7.5, cloudflare: 0, guard: 0 },
  { name: 'more used than is free', given: facts(12_000_000, 'free_allocation'), remaining: 0, cloudflare: 0, guard: 1 },
  { name: 'Cloudflare refuses early', given: facts(2_500_000, 'cloudflare'), remaining: 0, cloudflare: 1, guard: 0 }
]

for (const { name, given, remaining, cloudflare, guard } of cases) {
  t.test(name, async t => {
    t.strictSame(samplesOf(await toAccountGauges([toAccountFigures(given)])), [
      `workers_ai_proxy_account_neurons_remaining{account="default"} ${remaining}`,
      `workers_ai_proxy_account_out{account="default",reason="cloudflare"} ${cloudflare}`,
      `workers_ai_proxy_account_out{account="default",reason="free_allocation"} ${guard}`,
      'workers_ai_proxy_account_out{account="default",reason="credentials"} 0'
    ])
  })
}

t.test('every account has its lines', async t => {
  const accounts = ['main', 'backup'].map(account => ({ account, remaining: 10, outReason: undefined }))
  t.strictSame(samplesOf(await toAccountGauges(accounts)).slice(0, 2), [
    'workers_ai_proxy_account_neurons_remaining{account="main"} 10',
    'workers_ai_proxy_account_neurons_remaining{account="backup"} 10'
  ])
})

t.test('a scrape shows what GET /usage shows', async t => {
  const proxy = await startProxy(t)
  await (await ask(proxy, saying('say hi'))).text()
  const usage = JSON.parse((await askRaw(proxy, '/usage')).body) as { by_account: Array<{ free_remaining: number }> }
  const remaining = usage.by_account[0]?.free_remaining ?? NaN
  t.ok(remaining < 10_000)
  t.match(samplesOf((await askRaw(proxy, '/metrics')).body), [`workers_ai_proxy_account_neurons_remaining{account="default"} ${remaining}`])
})
