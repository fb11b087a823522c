import { Gauge, Registry } from 'prom-client'
import { MICRO_NEURONS_PER_NEURON } from '../workers-ai/models/price.ts'
import type { FreeNeuronsFacts } from './free-allocation.ts'
import type { OutReason } from './report.ts'

const REASONS: readonly OutReason[] = ['cloudflare', 'free_allocation']

/**
 * The gauges of an account in Prometheus' text format 0.0.4: how many of its free neurons are left today, as far as they are counted
 * here, and whether it is out of them.
 */
export async function toAccountMetrics ({ usedMicroNeurons, state: { name, freeLimit, out } }: FreeNeuronsFacts): Promise<string> {
  const registry = new Registry()
  const remaining = new Gauge({
    name: 'workers_ai_proxy_account_neurons_remaining',
    help: 'Free neurons of the UTC day that are left.',
    labelNames: ['account'],
    registers: [registry]
  })
  const isOut = new Gauge({
    name: 'workers_ai_proxy_account_out',
    help: '1 while an account has no free neurons left: Cloudflare says so, or they are used up and FREE_NEURONS_GUARD refuses.',
    labelNames: ['account', 'reason'],
    registers: [registry]
  })
  const left = out?.reason === 'cloudflare' ? 0 : Math.max(0, freeLimit - usedMicroNeurons / MICRO_NEURONS_PER_NEURON)
  remaining.set({ account: name }, left)
  for (const reason of REASONS) isOut.set({ account: name, reason }, Number(out?.reason === reason))
  return await registry.metrics()
}
