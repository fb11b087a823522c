import { Gauge, Registry } from 'prom-client'

/** What is left of the free neurons of an account. */
export interface AccountFigures {
  account: string
  /** Neurons of the UTC day. */
  remaining: number
  /** Why it serves nobody: one of `REASONS`. Undefined while it does. */
  outReason: typeof REASONS[number] | undefined
}

/**
 * Nothing is left, as Cloudflare says; or what is free is used up and FREE_NEURONS_GUARD refuses; or, where there are several
 * accounts, Cloudflare refuses this one's credentials.
 */
const REASONS = ['cloudflare', 'free_allocation', 'credentials'] as const

/** The gauges of all accounts in Prometheus' text format 0.0.4. */
export async function toAccountGauges (accounts: readonly AccountFigures[]): Promise<string> {
  const registry = new Registry()
  const left = new Gauge({
    name: 'workers_ai_proxy_account_neurons_remaining',
    help: 'Free neurons of the UTC day that are left.',
    labelNames: ['account'],
    registers: [registry]
  })
  const isOut = new Gauge({
    name: 'workers_ai_proxy_account_out',
    help: '1 while an account serves nobody: Cloudflare says that its free neurons are used up, FREE_NEURONS_GUARD refuses, or its credentials are refused.',
    labelNames: ['account', 'reason'],
    registers: [registry]
  })
  for (const { account, remaining, outReason } of accounts) {
    left.set({ account }, remaining)
    for (const reason of REASONS) isOut.set({ account, reason }, Number(outReason === reason))
  }
  return await registry.metrics()
}
