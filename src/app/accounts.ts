import type { FastifyBaseLogger } from 'fastify'
import { AccountHealth } from '../inference/accounts/account-health.ts'
import { AccountRunner, type Account } from '../inference/accounts/account-runner.ts'
import type { FreeNeurons } from '../inference/allowance.ts'
import { Models } from '../inference/models.ts'
import type { AccountSettings, Settings } from '../settings/schema.ts'
import type { AccountStates } from '../stores/accounts/account-states.ts'
import { FreeNeuronsOfAccounts } from '../usage/account-neurons.ts'
import type { FreeNeuronsFacts } from '../usage/free-allocation.ts'
import type { FreeAllocations } from '../usage/free-allocations.ts'
import type { OutReason } from '../usage/report.ts'
import { ModelLists } from '../workers-ai/models/model-lists.ts'
import { newClient, toModelList, toModelSchemas, type Engine } from './engine.ts'

interface AccountParts {
  accounts: readonly AccountSettings[]
  allocations: FreeAllocations
  states: AccountStates
  logger: FastifyBaseLogger
}

interface AccountsEngine extends Engine {
  /** Watches their free neurons; absent where nobody wants that. */
  guard: FreeNeurons | undefined
  /** What is known of free neurons, with why an account serves nobody at the moment. */
  withOutages: (facts: readonly FreeNeuronsFacts[]) => FreeNeuronsFacts[]
}

/** The same as `toEngine` makes, for several accounts that serve as one. */
export function toAccountsEngine (settings: Settings, { accounts, allocations, states, logger }: AccountParts): AccountsEngine {
  const otherSecrets = accounts.flatMap(({ accountId, apiToken, gateway }) => [accountId, apiToken, gateway?.token ?? ''])
  const clients: Account[] = accounts.map(({ name, plan, weight, ...account }) => ({
    name,
    plan,
    weight,
    hasGateway: account.gateway !== undefined,
    runner: newClient(settings, { ...account, accountName: name, otherSecrets })
  }))
  const list = new ModelLists(clients.map(({ name, runner }) => toModelList(runner, logger, name)))
  const health = new AccountHealth({ states, now: Date.now, random: Math.random, log: logger })
  const neurons = new FreeNeuronsOfAccounts(allocations, Date.now)
  const workersAi = new AccountRunner({
    accounts: clients,
    routing: settings.accountRouting,
    health,
    neurons,
    isPaidOnly: id => list.find(id)?.paidOnly === true,
    maxRetries: settings.maxRetries,
    now: Date.now,
    random: Math.random
  })
  return {
    list,
    models: new Models(list, settings, toModelSchemas(workersAi, logger)),
    workersAi,
    guard: settings.freeNeuronsGuard === 'off' ? undefined : neurons,
    withOutages: facts => facts.map(known => withOutage(known, health.outage(known.state.name)))
  }
}

/** Whether Cloudflare serves an account is known best by its calls: the guard alone knows what is left here. */
function withOutage (facts: FreeNeuronsFacts, outage: ReturnType<AccountHealth['outage']>): FreeNeuronsFacts {
  const { out: counted, ...state } = facts.state
  const reason: OutReason | undefined = outage && (outage.reason === 'quota' ? 'cloudflare' : 'credentials')
  const ofGuard = counted?.reason === 'free_allocation' ? counted : undefined
  return { ...facts, state: { ...state, out: outage && reason ? { reason, untilMs: outage.untilMs } : ofGuard } }
}
