import t from 'tap'
import { toSessionAffinity } from '../../../src/http/replies/session-affinity.ts'

const turn = [{ role: 'system', content: 's' }, { role: 'user', content: 'q' }]
const affinity = (headers: Record<string, string>, cacheKey?: string, messages: unknown[] = turn) => toSessionAffinity({ headers }, cacheKey, messages)
const made = affinity({})

t.equal(affinity({ 'x-session-affinity': 'mine' }, 'key'), 'mine', 'the caller\'s own comes first')
t.equal(affinity({ 'x-session-affinity': 'has spaces' }, 'key'), 'key', 'one that no header can carry does not count')
t.equal(affinity({ 'x-session-affinity': 'x'.repeat(257) }, 'key'), 'key', 'nor does one that is too long')
t.match(made, /^[\w-]{32}$/, 'without any it is made from the conversation')
t.equal(affinity({}, undefined, [...turn, { role: 'assistant', content: 'a' }]), made, 'and stays the same in every turn')
t.not(affinity({}, undefined, [{ role: 'user', content: 'other' }]), made, 'another conversation has another')
for (const header of ['authorization', 'x-api-key', 'api-key']) t.not(affinity({ [header]: 'k' }), made, `and another caller has another, by ${header}`)
