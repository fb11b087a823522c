import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { LimitError, UpstreamError } from '../../../src/errors.ts'
import { Cancellation } from '../../../src/generation/cancellation.ts'
import { AccountHealth } from '../../../src/inference/accounts/account-health.ts'
import { AccountRunner, type Account, type AccountNeurons } from '../../../src/inference/accounts/account-runner.ts'
import { MemoryAccountStates } from '../../../src/stores/accounts/memory.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { RetryTimeBudget, withRetries, RetryBudget } from '../../../src/workers-ai/transport/retry.ts'
import type { RunAnswer, RunOptions } from '../../../src/workers-ai/transport/runner.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const MODEL = '@cf/a/b' as ModelId

type Outcome = 'ok' | UpstreamError

function refused (status: number, code?: number): UpstreamError {
  return new UpstreamError('words', { kind: 'refused', status, code })
}

const ALL_FREE: AccountNeurons = {
  remaining: () => 1,
  mayServe: () => true,
  isHeld: () => false,
  hold: () => {},
  resetsAtMs: () => NOON + 43_200_000,
  refuse: () => new LimitError({ limit: 'free_allocation', isHeld: true, retryAfterMs: 5_000 }, 'the accounts'),
  overlook: () => {}
}

/** Accounts whose nth call has the nth outcome; all later ones have the last. */
function start (outcomes: Record<string, Outcome[]>, given: Partial<AccountNeurons> = {}) {
  const clock = { ms: NOON }
  const asked: string[] = []
  const accounts: Account[] = Object.entries(outcomes).map(([name, left]) => ({
    name,
    plan: 'free',
    weight: 1,
    hasGateway: false,
    runner: {
      run: async (_model, _body, options: RunOptions) => {
        const { value } = await withRetries(async () => {
          asked.push(name)
          const outcome = left.length > 1 ? left.shift() : left[0]
          if (outcome instanceof UpstreamError) throw outcome
          return { form: options.form, status: 200, headers: {}, attempts: 1, redact: (text: string) => text } as unknown as RunAnswer<never>
        }, {
          budget: new RetryBudget(),
          retryTime: options.retryTime ?? new RetryTimeBudget(),
          maxRetries: options.maxRetries ?? 0,
          isFinal: options.isFinal,
          signal: options.signal,
          random: () => 0,
          now: () => clock.ms,
          sleep: async () => {}
        })
        return value
      },
      getJson: async path => {
        asked.push(`${name} ${path}`)
        if (left[0] instanceof UpstreamError) throw left[0]
        return { by: name }
      },
      close: async () => { asked.push(`${name} closed`) }
    }
  }))
  const log = { error: () => {}, warn: () => {}, info: () => {} }
  const health = new AccountHealth({ states: new MemoryAccountStates(() => clock.ms), now: () => clock.ms, random: () => 0, log })
  const runner = new AccountRunner({ accounts, routing: 'order', health, neurons: { ...ALL_FREE, ...given }, isPaidOnly: () => false, maxRetries: 2, now: () => clock.ms, random: () => 0 })
  const run = (options: Partial<RunOptions> = {}) => runner.run(MODEL, '{}', { form: 'json', signal: new AbortController().signal, ...options })
  return { run, runner, asked, clock, health, accounts }
}

async function failureOf (work: Promise<unknown>): Promise<UpstreamError | undefined> {
  return work.then(() => undefined, (error: UpstreamError) => error)
}

t.test('an account that serves is all that is asked', async t => {
  const { run, runner, asked } = start({ a: ['ok'], b: ['ok'] })
  const origin: NonNullable<RunOptions['origin']> = { keyLabel: 'none', route: '/' }
  await run({ origin })
  t.strictSame(asked, ['a'])
  t.equal(origin.account, 'a')
  await runner.close()
  t.strictSame(asked.slice(1).sort(), ['a closed', 'b closed'])
})

t.test('a lack of capacity moves at once where another is well, and is retried where none is', async t => {
  const { run, asked } = start({ a: [refused(429, 3040)], b: [refused(429, 3040), 'ok'] })
  await run()
  t.strictSame(asked, ['a', 'b', 'b'], 'each account is tried once, the last one with patience')
  const all = start({ a: [refused(429, 3040)], b: [refused(429, 3040)] })
  t.match(await failureOf(all.run()), { code: 3040 })
  t.strictSame(all.asked, ['a', 'b', 'b', 'b'])
  t.match(await failureOf(all.run()), { code: 3040 }, 'where all rest, the one that has the turn is asked all the same')
})

t.test('what is broken is repeated by another account within the retries there are', async t => {
  const { run, asked } = start({ a: [refused(500)], b: [refused(500)], c: ['ok'] })
  await run()
  t.strictSame(asked, ['a', 'b', 'c'])
  const two = start({ a: [refused(500)], b: [refused(500)] })
  t.match(await failureOf(two.run()), { status: 500 })
  t.strictSame(two.asked, ['a', 'b', 'b'], 'three attempts in all')
  const late = start({ a: [new UpstreamError('late', { kind: 'timeout' })], b: ['ok'] })
  t.match(await failureOf(late.run()), { kind: 'timeout' })
  t.strictSame(late.asked, ['a'], 'a timeout is not waited for twice')
})

t.test('where all may not run the model, the last one says so, also the next time', async t => {
  const { run, asked } = start({ a: [refused(403, 5035)], b: [refused(403, 5016)] })
  t.match(await failureOf(run()), { code: 5016 })
  t.match(await failureOf(run()), { code: 5016 })
  t.strictSame(asked, ['a', 'b', 'a', 'b'])
})

t.test('all out is an error of its own, with the time of the first return', async t => {
  const { run, asked, clock } = start({ a: [refused(429, 4006)], b: [refused(401, 10_000), 'ok'] })
  t.match(await failureOf(run()), { kind: 'out', retryAfter: 300, attempts: 0, cause: { code: 10_000 } })
  t.match(await failureOf(run()), { kind: 'out', message: /refuses the credentials of 1 of them/ })
  t.strictSame(asked, ['a', 'b'])
  clock.ms += 300_000
  await run()
  t.strictSame(asked, ['a', 'b', 'b'], 'a probe finds that it serves')
  await run()
  t.strictSame(asked.slice(3), ['b'])
})

t.test('a probe that fails costs its request nothing but the time', async t => {
  const { run, asked, clock } = start({ a: [refused(429, 4006)], b: ['ok'] })
  await run()
  clock.ms += 15 * 60_000
  await run()
  await run()
  t.strictSame(asked, ['a', 'b', 'a', 'b', 'b'])
})

t.test('a stream that begins with a failure may be asked for once more', async t => {
  const { run, health } = start({ a: ['ok'], b: ['ok'] })
  const answer = await run({ form: 'events' })
  t.equal(answer.beginning?.failed(refused(200, 5006)), false, 'not where the request is at fault')
  t.equal(answer.beginning?.failed(refused(200, 4006)), true)
  t.equal(health.standing('a', MODEL), 'out')
  const second = await run({ form: 'events' })
  t.equal(second.beginning?.failed(refused(200, 3040)), false, 'there is no other one')
})

t.test('a stream ends an outage once it has begun with more than its head', async t => {
  const { run, health, clock } = start({ a: [refused(429, 4006), 'ok'] })
  await failureOf(run())
  const probe = async () => {
    clock.ms += 15 * 60_000
    return run({ form: 'events' })
  }
  const failing = await probe()
  t.match(health.outage('a'), { reason: 'quota' })
  failing.beginning?.failed(refused(200, 4006))
  const well = await probe()
  well.beginning?.served()
  t.equal(health.outage('a'), undefined)
})

t.test('an answer that began before its account went out does not bring it back', async t => {
  let begin: (value?: unknown) => void = () => {}
  const slow = new Promise(resolve => { begin = resolve })
  const { run, health, clock, accounts } = start({ a: ['ok'], b: ['ok'] })
  const [{ runner }] = accounts as [Account]
  const { run: answer } = runner
  runner.run = async (...given) => {
    await slow
    return answer(...given)
  }
  const early = run()
  await turn()
  clock.ms += 1_000
  health.failed({ account: 'a', model: MODEL, atMs: clock.ms, hasGateway: false }, refused(429, 4006), 'used-up')
  begin()
  await early
  t.match(health.outage('a'), { reason: 'quota' })
})

t.test('what the guard withholds goes to another account', async t => {
  const held: string[] = []
  const limit = new LimitError({ limit: 'free_allocation' }, 'the accounts')
  const hold = (account: string) => {
    if (account === 'a') throw limit
    held.push(account)
  }
  const { run, asked } = start({ a: ['ok'], b: ['ok'] }, { hold })
  await run()
  t.strictSame([asked, held], [['b'], ['b']])
  const none = start({ a: ['ok'], b: ['ok'] }, { hold: () => { throw limit } })
  t.equal(await failureOf(none.run()) as unknown, limit)
  const closed = start({ a: ['ok'], b: ['ok'] }, { mayServe: () => false })
  t.match(await failureOf(closed.run()), { kind: 'out', retryAfter: 43_200, message: /free neurons of the day are used up/ })
})

t.test('what requests in progress hold is no day that is used up', async t => {
  const neurons = { mayServe: (account: string) => account === 'b', isHeld: (account: string) => account === 'a' }
  const { run, asked } = start({ a: ['ok'], b: [refused(401, 10_000)] }, neurons)
  t.match(await failureOf(run()), { facts: { limit: 'free_allocation', isHeld: true, retryAfterMs: 5_000 } })
  t.strictSame(asked, ['b'])
  const failing = start({ a: [refused(401, 10_000)], b: ['ok'] }, neurons)
  await failing.run()
  const elsewhere = start({ a: [refused(401, 10_000)], b: ['ok'] }, {
    hold: account => { if (account === 'b') throw new LimitError({ limit: 'free_allocation', isHeld: true }, 'the account') }
  })
  t.match(await failureOf(elsewhere.run()), { facts: { isHeld: true } })
  t.match(await failureOf(elsewhere.run()), { facts: { isHeld: true } }, 'by another replica')
  const used = start({ a: [refused(401, 10_000)], b: ['ok'] }, { mayServe: account => account === 'a', isHeld: () => false })
  t.match(await failureOf(used.run()), { kind: 'out', retryAfter: 300 }, 'what is used up by the guard is')
})

t.test('a run is known to its accounts by its request', async t => {
  const origin: NonNullable<RunOptions['origin']> = { keyLabel: 'none', route: '/' }
  const mayServe = (account: string, asking: object | undefined) => account === 'a' || asking === origin
  const { run, asked } = start({ a: [refused(500)], b: ['ok'] }, { mayServe })
  await run({ origin })
  t.strictSame(asked, ['a', 'b'], 'who holds something there may go there')
  const stream = await start({ a: ['ok'], b: ['ok'] }, { mayServe }).run({ form: 'events', origin })
  t.equal(stream.beginning?.failed(refused(200, 4006)), true)
  const out = start({ a: [refused(429, 4006)], b: ['ok'] }, { mayServe })
  t.match(await failureOf(out.run()), { kind: 'out' })
})

t.test('retries by other accounts come again with calls, and without any an account has its own', async t => {
  const { run, asked, clock } = start({ a: [refused(500)], b: ['ok'] })
  const shared = async () => {
    asked.length = 0
    clock.ms += 60_000
    await failureOf(run({ caller: 'ann', maxRetries: 1 }))
    return asked.join('')
  }
  const all: string[] = []
  for (let count = 0; count < 40; count++) all.push(await shared())
  t.equal(all.indexOf('aa'), 24, 'a full budget, and a fifth for each call')
  t.strictSame([...new Set(all)], ['ab', 'aa'], 'then it is the account that repeats')
  const later = all.slice(24).filter(one => one === 'ab').length
  t.ok(later >= 2 && later <= 4, `${later} of 16`)
})

t.test('nothing is held or asked for a client that has left', async t => {
  const gone = new Error('gone')
  const held: string[] = []
  const left = new Cancellation()
  const leaving = (account: string) => {
    held.push(account)
    left.abort(gone)
    throw new LimitError({ limit: 'free_allocation' }, 'the account')
  }
  const { run, asked } = start({ a: ['ok'], b: ['ok'] }, { hold: leaving })
  t.equal(await failureOf(run({ signal: left })) as unknown, gone, 'it leaves while it is held')
  t.equal(await failureOf(run({ signal: left })) as unknown, gone)
  t.strictSame([held, asked], [['a'], []])
})

t.test('a refusal by the guard hides no failure that another model may make good', async t => {
  const overlooked: unknown[] = []
  const origin: NonNullable<RunOptions['origin']> = { keyLabel: 'none', route: '/' }
  const neurons: Partial<AccountNeurons> = {
    hold: account => { if (account !== 'a') throw new LimitError({ limit: 'free_allocation', isHeld: true, retryAfterMs: 5_000 }, 'the account') },
    overlook: given => { overlooked.push(given) }
  }
  for (const failure of [refused(429, 3040), refused(503), refused(403, 3041)]) {
    const { run, asked } = start({ a: [failure], b: ['ok'], c: ['ok'] }, neurons)
    t.equal(await failureOf(run({ origin })), failure)
    t.strictSame([asked, overlooked.splice(0)], [['a'], [origin]], 'it is not noted as refused')
  }
  const out = start({ a: [refused(429, 4006)], b: ['ok'] }, neurons)
  t.match(await failureOf(out.run()), { facts: { isHeld: true } }, 'no model does better where an account is out')
  t.strictSame(overlooked, [])
})

t.test('of several refusals by the guard the one is told that ends first', async t => {
  const waits: Record<string, { retryAfterMs?: number }> = { b: { retryAfterMs: 5_000 }, c: { retryAfterMs: 43_200_000 } }
  const hold = (account: string) => { throw new LimitError({ limit: 'free_allocation', ...waits[account] }, account) }
  const { run } = start({ a: ['ok'], b: ['ok'], c: ['ok'] }, { hold })
  t.match(await failureOf(run()), { owner: 'b', facts: { retryAfterMs: 5_000 } })
})

t.test('an account that is out is no refusal by the guard', async t => {
  const overlooked: unknown[] = []
  const origin: NonNullable<RunOptions['origin']> = { keyLabel: 'none', route: '/' }
  const { run, health } = start({ a: ['ok'], b: ['ok'] }, {
    hold: () => { throw new LimitError({ limit: 'free_allocation', retryAfterMs: 43_200_000 }, 'the account') },
    overlook: given => { overlooked.push(given) }
  })
  health.failed({ account: 'b', model: MODEL, atMs: NOON, hasGateway: false }, refused(401, 10_000), 'refused')
  t.match(await failureOf(run({ origin })), { kind: 'out' })
  t.strictSame(overlooked, [origin])
})

t.test('one whose client leaves while it waits hears why', async t => {
  const left = new Cancellation()
  const { run, asked } = start({ a: [new UpstreamError('words', { kind: 'refused', status: 500, retryAfter: 4 })], b: ['ok'] })
  const gone = new Error('gone')
  const failure = failureOf(run({ signal: left }))
  setTimeout(() => left.abort(gone), 20)
  t.equal(await failure as unknown, gone)
  t.strictSame(asked, ['a'])
})

t.test('what is read below the account is read where it can be', async t => {
  const { runner, asked } = start({ a: [refused(401, 10_000)], b: ['ok'] })
  t.strictSame(await runner.getJson('/x'), { by: 'b' })
  t.strictSame(asked, ['a /x', 'b /x'])
  const wrong = start({ a: [refused(404, 7001)], b: ['ok'] })
  t.match(await failureOf(wrong.runner.getJson('/x')), { code: 7001 })
})
