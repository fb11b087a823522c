import t from 'tap'
import type { KeyLimits } from '../../../src/settings/key-limits.ts'
import { KeyState } from '../../../src/stores/limits/key-state.ts'

const NOON = Date.parse('2026-11-29T12:00:00Z')
const HOURS = 3_600_000
const small = { inputTokens: 10, outputTokens: 20, microNeurons: 1_000_000 }

/** A key that has made so many requests, which are still going on. */
function used (limits: KeyLimits, requests: number, demand = small): KeyState {
  const state = new KeyState(limits, NOON)
  for (let count = 0; count < requests; count++) {
    if (state.refuse(demand, NOON) !== undefined) throw new Error(`the request number ${count + 1} was refused`)
    state.hold(demand, NOON)
  }
  return state
}

t.test('each limit refuses what is beyond it, and says when it may pass', t => {
  const cases: Array<{ name: string, limits: KeyLimits, requests: number, demand?: typeof small, facts: object }> = [
    { name: 'parallel', limits: { parallel: 2 }, requests: 2, facts: { limit: 'parallel', max: 2, used: 2, retryAfterMs: 5_000 } },
    { name: 'rpm', limits: { rpm: 3 }, requests: 3, facts: { limit: 'rpm', max: 3, used: 3, retryAfterMs: 20_000 } },
    { name: 'rpd', limits: { rpd: 3 }, requests: 3, facts: { limit: 'rpd', max: 3, used: 3, retryAfterMs: 12 * HOURS } },
    { name: 'tpm', limits: { tpm: 65 }, requests: 2, facts: { limit: 'tpm', max: 65, used: 60, inputTokens: 10, retryAfterMs: 4_616 } },
    {
      name: 'an input that never fits',
      limits: { tpm: 65 },
      requests: 0,
      demand: { ...small, inputTokens: 66 },
      facts: { limit: 'tpm', max: 65, used: 0, inputTokens: 66, retryAfterMs: undefined }
    },
    {
      name: 'a budget whose rest is only held',
      limits: { neurons_per_day: 1.5 },
      requests: 2,
      facts: { limit: 'neurons_per_day', max: 1.5, used: 0, isHeld: true, retryAfterMs: 5_000 }
    },
    { name: 'the first in their order', limits: { rpm: 1, rpd: 1, tpm: 30, neurons_per_day: 1 }, requests: 1, facts: { limit: 'rpm' } }
  ]
  for (const { name, limits, requests, demand = small, facts } of cases) {
    const state = used(limits, requests)
    t.match(state.refuse(demand, NOON), facts, name)
    t.strictSame(state.refuse(demand, NOON), state.refuse(demand, NOON), `${name}: a refusal takes nothing`)
  }
  t.end()
})

t.test('a refused request passes after the time it was told, and not before', t => {
  const cases: Array<{ name: string, limits: KeyLimits, requests: number }> = [
    { name: 'rpm', limits: { rpm: 7 }, requests: 7 },
    { name: 'rpd', limits: { rpd: 2 }, requests: 2 },
    { name: 'tpm', limits: { tpm: 89 }, requests: 3 }
  ]
  for (const { name, limits, requests } of cases) {
    const state = used(limits, requests)
    const ms = state.refuse(small, NOON)?.retryAfterMs ?? 0
    t.ok(ms > 1, name)
    t.not(state.refuse(small, NOON + ms - 1), undefined, `${name}: not a millisecond early`)
    t.equal(state.refuse(small, NOON + ms), undefined, `${name}: ${ms} ms`)
  }
  t.end()
})

t.test('a budget that is used up ends its period', t => {
  for (const { limits, limit, ms } of [
    { limits: { neurons_per_day: 2.5 }, limit: 'neurons_per_day', ms: 12 * HOURS },
    { limits: { neurons_per_month: 2.5, neurons_per_day: 100 }, limit: 'neurons_per_month', ms: 36 * HOURS }
  ]) {
    const state = new KeyState(limits, NOON)
    const held = state.hold(small, NOON)
    state.settle(held, { tokens: 30, microNeurons: 3_100_000 }, NOON)
    t.strictSame(state.refuse(small, NOON), { limit, max: 2.5, used: 3.1, retryAfterMs: ms })
    t.equal(state.refuse(small, NOON + ms), undefined)
  }
  t.end()
})

t.test('only the input must fit: the output is held as far as tokens are left', t => {
  const state = new KeyState({ tpm: 1_000 }, NOON)
  const held = state.hold({ inputTokens: 10, outputTokens: 4_096, microNeurons: 0 }, NOON)
  t.equal(held.tokens, 1_000)
  t.match(state.refuse(small, NOON), { limit: 'tpm' }, 'nothing is left for another one')
  state.settle(held, { tokens: 30, microNeurons: 0 }, NOON)
  t.strictSame(state.standing(NOON), { tokens: { limit: 1_000, remaining: 970, resetMs: 1_800 } })
  t.end()
})

t.test('an answer beyond what was held is a debt', t => {
  const state = new KeyState({ tpm: 100 }, NOON)
  const held = state.hold({ inputTokens: 10, outputTokens: 20, microNeurons: 0 }, NOON)
  state.settle(held, { tokens: 200, microNeurons: 0 }, NOON)
  t.strictSame(state.standing(NOON), { tokens: { limit: 100, remaining: 0, resetMs: 120_000 } })
  t.match(state.refuse(small, NOON), { retryAfterMs: 66_000 })
  t.end()
})

t.test('the headers tell of the request limit of which less is left', t => {
  const cases: Array<{ name: string, limits: KeyLimits, requests: number, standing: object }> = [
    { name: 'none', limits: { parallel: 4, neurons_per_day: 9 }, requests: 1, standing: {} },
    { name: 'the minute', limits: { rpm: 4, rpd: 100 }, requests: 1, standing: { requests: { limit: 4, remaining: 3, resetMs: 15_000 } } },
    { name: 'the day', limits: { rpm: 100, rpd: 4 }, requests: 1, standing: { requests: { limit: 4, remaining: 3, resetMs: 12 * HOURS } } },
    { name: 'an unused day', limits: { rpd: 4 }, requests: 0, standing: { requests: { limit: 4, remaining: 4, resetMs: 0 } } }
  ]
  for (const { name, limits, requests, standing } of cases) t.strictSame(used(limits, requests).standing(NOON), standing, name)
  t.end()
})

t.test('what was used before the start counts', t => {
  const state = new KeyState({ neurons_per_day: 10, neurons_per_month: 20 }, NOON)
  state.recall({ day: 4_000_000, month: 15_000_000 }, NOON)
  t.match(state.budgets(NOON), { day: { used: 4_000_000, remaining: 6_000_000 }, month: { used: 15_000_000, remaining: 5_000_000 } })
  t.match(new KeyState({ rpm: 1 }, NOON).budgets(NOON), {}, 'a key without a budget has none')
  t.end()
})
