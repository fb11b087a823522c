import t from 'tap'
import { UpstreamError, type UpstreamErrorOptions } from '../../../src/errors.ts'
import { mayRetry, RetryTimeBudget, retryDelay, withRetries, RetryBudget, RetryBudgets } from '../../../src/workers-ai/transport/retry.ts'

t.test('mayRetry knows what passes by itself', t => {
  const cases: Array<{ name: string, given: UpstreamErrorOptions, message?: string, expected: boolean }> = [
    { name: 'no connection', given: { kind: 'unreachable' }, expected: true },
    { name: 'our own patience ended', given: { kind: 'timeout' }, expected: false },
    { name: 'a broken answer', given: { kind: 'malformed', status: 200 }, expected: false },
    { name: 'an answer of nothing', given: { kind: 'empty' }, expected: false },
    { name: 'a cut answer', given: { kind: 'truncated', status: 200 }, expected: false },
    { name: 'request timeout', given: { kind: 'refused', status: 408, code: 3007 }, expected: false },
    { name: "the model's own time limit", given: { kind: 'refused', status: 408, code: 3046 }, expected: false },
    { name: 'a timeout without a code', given: { kind: 'refused', status: 408 }, expected: false },
    { name: "a gateway's rate limit", given: { kind: 'refused', status: 429, code: 2003 }, expected: true },
    { name: 'a rate limit', given: { kind: 'refused', status: 429 }, expected: true },
    { name: 'a rate limit that soon ends', given: { kind: 'refused', status: 429, retryAfter: 5 }, expected: true },
    { name: 'a rate limit that lasts', given: { kind: 'refused', status: 429, retryAfter: 6 }, expected: false },
    { name: 'no capacity', given: { kind: 'refused', status: 429, code: 3040 }, expected: true },
    { name: 'no capacity under another status', given: { kind: 'refused', status: 400, code: 3040 }, expected: true },
    { name: 'no capacity with status 200', given: { kind: 'refused', status: 200, code: 3040 }, expected: true },
    { name: 'an internal failure with status 200', given: { kind: 'refused', status: 200, code: 1000 }, expected: true },
    { name: 'any other failure with status 200', given: { kind: 'refused', status: 200, code: 5025 }, expected: false },
    { name: 'a failure without a code with status 200', given: { kind: 'refused', status: 200 }, expected: false },
    { name: 'the free allocation, as answered', given: { kind: 'refused', status: 429, code: 4006 }, expected: false },
    { name: 'the free allocation, as documented', given: { kind: 'refused', status: 429, code: 3036 }, expected: false },
    { name: 'the free allocation, by its text', given: { kind: 'refused', status: 429 }, message: 'you have used up your daily free allocation of 10,000 neurons', expected: false },
    { name: 'an internal error', given: { kind: 'refused', status: 500 }, expected: true },
    { name: 'a web page of the edge', given: { kind: 'refused', status: 502 }, expected: true },
    { name: 'overload that lasts', given: { kind: 'refused', status: 503, retryAfter: 120 }, expected: false },
    { name: 'a gateway timeout', given: { kind: 'refused', status: 504 }, expected: false },
    { name: "the edge's timeout", given: { kind: 'refused', status: 524 }, expected: false },
    { name: 'a bad request', given: { kind: 'refused', status: 400, code: 5006 }, expected: false },
    { name: 'an internal failure called a bad request', given: { kind: 'refused', status: 400, code: 1000 }, expected: false },
    { name: 'no permission', given: { kind: 'refused', status: 403, code: 5035 }, expected: false },
    { name: 'a full context window', given: { kind: 'refused', status: 413, code: 5021 }, expected: false }
  ]
  for (const { name, given, message = 'no', expected } of cases) t.equal(mayRetry(new UpstreamError(message, given)), expected, name)
  t.end()
})

t.test('retryDelay grows, is jittered, and respects Retry-After', t => {
  const plain = new UpstreamError('no', { kind: 'unreachable' })
  const busy = new UpstreamError('no', { kind: 'refused', status: 429, code: 3040 })
  const asked = new UpstreamError('no', { kind: 'refused', status: 429, retryAfter: 2 })
  const cases = [
    { name: 'the first wait is short', given: { error: plain, attempts: 1, random: 1 }, expected: 250 },
    { name: 'the next is twice as long', given: { error: plain, attempts: 2, random: 1 }, expected: 500 },
    { name: 'up to four seconds', given: { error: plain, attempts: 9, random: 1 }, expected: 4_000 },
    { name: 'jitter reaches down to nothing', given: { error: plain, attempts: 9, random: 0 }, expected: 0 },
    { name: 'capacity takes longer to come back', given: { error: busy, attempts: 1, random: 1 }, expected: 1_000 },
    { name: 'up to eight seconds', given: { error: busy, attempts: 9, random: 1 }, expected: 8_000 },
    { name: 'Retry-After is the least', given: { error: asked, attempts: 1, random: 0 }, expected: 2_000 },
    { name: 'jitter may be more than Retry-After', given: { error: asked, attempts: 9, random: 1 }, expected: 4_000 }
  ]
  for (const { name, given, expected } of cases) t.equal(retryDelay(given.error, given.attempts, () => given.random), expected, name)
  t.end()
})

/** A world where a pause takes no time but is counted; `random` just below 1 makes every pause the longest. */
function world (maxRetries: number, random = 0.999_999) {
  const controller = new AbortController()
  const pauses: number[] = []
  let time = 0
  return {
    pauses,
    controller,
    pass (ms: number) { time += ms },
    options: {
      maxRetries,
      signal: controller.signal,
      random: () => random,
      budget: new RetryBudget(),
      retryTime: new RetryTimeBudget(),
      now: () => time,
      sleep: async (ms: number) => { time += ms; pauses.push(ms) }
    }
  }
}

/** An attempt that fails with each of the errors in turn, and then succeeds. */
function failing (...errors: unknown[]) {
  return async (attempts: number) => {
    const error = errors[attempts - 1]
    if (error !== undefined) throw error
    return 'answer'
  }
}

t.test('withRetries', async t => {
  const unreachable = new UpstreamError('gone', { kind: 'unreachable' })
  const last = new UpstreamError('still gone', { kind: 'unreachable' })
  const busy = new UpstreamError('busy', { kind: 'refused', status: 429, code: 3040 })

  t.test('answers the value and the number of attempts', async t => {
    const { options, pauses } = world(2)
    t.strictSame(await withRetries(failing(), options), { value: 'answer', attempts: 1 })
    t.strictSame(await withRetries(failing(unreachable, busy), options), { value: 'answer', attempts: 3 })
    t.strictSame(pauses, [250, 2_000])
  })

  t.test('throws the last failure itself when the retries are used up', async t => {
    const thrown = await withRetries(failing(unreachable, last, busy), world(1).options).catch((thrown: unknown) => thrown)
    t.equal(thrown, last)
  })

  t.test('does not repeat what may not pass, nor bugs', async t => {
    for (const error of [new UpstreamError('no', { kind: 'timeout' }), new TypeError('a bug')]) {
      const { options, pauses } = world(5)
      const thrown = await withRetries(failing(error), options).catch((thrown: unknown) => thrown)
      t.equal(thrown, error)
      t.strictSame(pauses, [])
    }
  })

  t.test('waits ten seconds in all and no longer', async t => {
    const { options, pauses } = world(50)
    t.equal(await withRetries(() => Promise.reject(busy), options).catch((thrown: unknown) => thrown), busy)
    t.strictSame(pauses, [1_000, 2_000, 4_000], 'the next pause of 8 s would have been too much')
  })

  t.test('shares the ten seconds among all the calls of one request', async t => {
    const first = world(50)
    await t.rejects(withRetries(() => Promise.reject(busy), first.options))
    const second = world(50)
    const slow = new UpstreamError('slow down', { kind: 'refused', status: 429, retryAfter: 4 })
    t.equal(await withRetries(() => Promise.reject(slow), { ...second.options, retryTime: first.options.retryTime }).catch((thrown: unknown) => thrown), slow)
    t.strictSame(second.pauses, [], '3 s are left')
    t.strictSame(await withRetries(failing(unreachable), { ...second.options, retryTime: first.options.retryTime }), { value: 'answer', attempts: 2 })
  })

  t.test('counts the time spent on nobody, but not the time a model took to refuse', async t => {
    const connecting = world(5)
    const attempts: number[] = []
    const unanswered = async (attempt: number) => { attempts.push(attempt); connecting.pass(10_000); throw unreachable }
    t.equal(await withRetries(unanswered, connecting.options).catch((thrown: unknown) => thrown), unreachable)
    t.strictSame(attempts, [1], 'a connect timeout is not repeated')

    const queueing = world(1)
    const refused = async (attempt: number) => { queueing.pass(60_000); return failing(busy)(attempt) }
    t.strictSame(await withRetries(refused, queueing.options), { value: 'answer', attempts: 2 })
  })

  t.test('stops when the client has left', async t => {
    const left = world(5)
    const leaving = async () => { left.controller.abort(); throw unreachable }
    t.equal(await withRetries(leaving, left.options).catch((thrown: unknown) => thrown), unreachable)
    t.strictSame(left.pauses, [], 'no pause after it')

    const waiting = world(5)
    const reason = new Error('client left')
    const sleep = async () => { throw reason }
    const thrown = await withRetries(failing(unreachable), { ...waiting.options, sleep }).catch((thrown: unknown) => thrown)
    t.equal(thrown, reason, 'an aborted pause ends it')
  })

  t.test('stops when all calls together have used up their budget', async t => {
    const { options } = world(1)
    const attempts = { made: 0 }
    const alwaysDown = async () => { attempts.made++; throw unreachable }
    for (let call = 0; call < 100; call++) await withRetries(alwaysDown, { ...options, retryTime: new RetryTimeBudget(), now: () => 0 }).catch(() => {})
    t.ok(attempts.made >= 120 && attempts.made <= 140, `100 calls made ${attempts.made} attempts`)
    for (let call = 0; call < 50; call++) await withRetries(failing(), options)
    t.strictSame(await withRetries(failing(unreachable), options), { value: 'answer', attempts: 2 }, 'calls that succeed fill it up again')
  })
})

t.test('each key has a budget of its own, and the number of them is bounded', t => {
  const budgets = new RetryBudgets()
  for (let retry = 0; retry < 20; retry++) t.ok(budgets.of('one').take())
  t.notOk(budgets.of('one').take(), 'what one key has used up')
  t.ok(budgets.of('another').take(), 'another one still has')
  for (let key = 0; key < 1_000; key++) budgets.of(`key ${key}`)
  t.ok(budgets.of('one').take(), 'the one that called longest ago is forgotten')
  t.end()
})
