import fc from 'fast-check'
import t from 'tap'
import { ranked, type AccountFacts, type Question } from '../../../src/inference/accounts/choice.ts'
import { runs } from '../../property-runs.ts'

const question: Question = { routing: 'spread', affinity: undefined, isPaidOnly: false, remaining: () => 0, random: Math.random }

function account (name: string, rest: Partial<AccountFacts> = {}): AccountFacts {
  return { name, plan: 'free', weight: 1, ...rest }
}

function namesOf (accounts: readonly AccountFacts[], given: Partial<Question>): string[] {
  return ranked(accounts, { ...question, ...given }).map(({ name }) => name)
}

const accounts = fc.uniqueArray(fc.record({ name: fc.string({ minLength: 1 }), plan: fc.constantFrom('free' as const, 'paid' as const), weight: fc.double({ min: 0.01, max: 1_000, noNaN: true }) }), {
  minLength: 1, maxLength: 6, selector: ({ name }) => name
})

t.test('the order of the others is the same when one goes', t => {
  fc.assert(fc.property(accounts, fc.string(), fc.nat(), (all, affinity, index) => {
    const gone = all[index % all.length]?.name
    const others = all.filter(({ name }) => name !== gone)
    t.strictSame(namesOf(others, { affinity }), namesOf(all, { affinity }).filter(name => name !== gone))
  }), { numRuns: runs(300) })
  t.end()
})

t.test('the same conversation has the same order, and each account is in it once', t => {
  fc.assert(fc.property(accounts, fc.string(), fc.boolean(), (all, affinity, isPaidOnly) => {
    const order = namesOf(all, { affinity, isPaidOnly })
    t.strictSame(order, namesOf([...all].reverse(), { affinity, isPaidOnly }))
    t.strictSame([...order].sort(), all.map(({ name }) => name).sort())
  }), { numRuns: runs(300) })
  t.end()
})

t.test('conversations are shared by weight', t => {
  const weighted = [account('a', { weight: 1 }), account('b', { weight: 2 }), account('c', { weight: 5 })]
  const firsts = (count: number, given: (one: number) => Partial<Question>) => {
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 }
    for (let one = 0; one < count; one++) counts[namesOf(weighted, given(one))[0] ?? ''] = (counts[namesOf(weighted, given(one))[0] ?? ''] ?? 0) + 1
    return counts
  }
  const counts = firsts(8_000, one => ({ affinity: `session ${one}` }))
  for (const { name, weight } of weighted) {
    const share = (counts[name] ?? 0) / 8_000
    t.ok(Math.abs(share - weight / 8) < 0.02, `${name} has ${share} of all, and should have ${weight / 8}`)
  }
  t.end()
})

t.test('without a conversation, most is left where the next one goes', t => {
  const left: Record<string, number> = { a: 5, b: 9, c: 7 }
  const all = ['a', 'b', 'c'].map(name => account(name))
  t.strictSame(namesOf(all, { remaining: name => left[name] ?? 0 }), ['b', 'c', 'a'])
  const heavy = [account('light', { weight: 1 }), account('heavy', { weight: 9 })]
  let seed = 0
  const firsts = Array.from({ length: 1_000 }, () => namesOf(heavy, { random: () => (seed = (seed * 16_807 + 7) % 2_147_483_647) / 2_147_483_647 })[0])
  const share = firsts.filter(name => name === 'heavy').length / 1_000
  t.ok(share > 0.85 && share < 0.95, `among equals it is by weight: ${share}`)
  t.end()
})

t.test('in order, the first one is the first', t => {
  const all = [account('a'), account('b', { plan: 'paid' }), account('c')]
  t.strictSame(namesOf(all, { routing: 'order', affinity: 'any', remaining: name => name === 'c' ? 9 : 0 }), ['a', 'b', 'c'])
  t.strictSame(namesOf(all, { routing: 'order', isPaidOnly: true }), ['b', 'a', 'c'], 'but what is for the paid plan goes there first')
  t.end()
})
