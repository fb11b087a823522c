import t from 'tap'
import { relayAccountStates, toAccountStates } from '../../src/app/account-states.ts'
import { PrimaryEnd, WorkerEnd, type LinkMessage } from '../../src/serve/links.ts'

const ACCOUNTS = [{ name: 'main', plan: 'free' as const, weight: 1, apiBaseUrl: 'x', accountId: 'x', apiToken: 'x' }]
const rest = { account: 'main', reason: 'quota' as const, sinceMs: 0, untilMs: Date.now() + 3_600_000 }

t.test('a single process has them in its memory', async t => {
  const states = await toAccountStates(ACCOUNTS, { link: undefined, redis: undefined })
  states.rest(rest)
  t.strictSame(states.rests('main'), [rest])
})

t.test('several tell each other by way of the primary', async t => {
  const primary = new PrimaryEnd()
  relayAccountStates(primary)
  const [one, other] = await Promise.all([1, 2].map(id => {
    const worker = new WorkerEnd(message => primary.receive(JSON.parse(JSON.stringify(message)), id))
    primary.add(id, (message: LinkMessage) => worker.receive(JSON.parse(JSON.stringify(message))))
    return toAccountStates(ACCOUNTS, { link: worker, redis: undefined })
  }))
  one?.rest(rest)
  t.strictSame(other?.rests('main'), [rest])
})
