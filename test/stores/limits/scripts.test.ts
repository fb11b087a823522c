import t from 'tap'
import { PRESENT, RAISE, READ, RENEW, RESERVE, SETTLE } from '../../../src/stores/limits/scripts.ts'

// What they do is tested beside a server, in redis.test.ts.

t.test('they touch only keys that are declared', async t => {
  for (const { name, lua } of [PRESENT, RAISE, READ, RENEW, RESERVE, SETTLE]) {
    const calls = [...lua.matchAll(/redis\.call\('(\w+)'(?:, ([^,)]+))?/g)].filter(([, command]) => command !== 'TIME')
    t.ok(calls.length > 0, name)
    for (const [call, , key] of calls) t.match(key, /^KEYS\[(?:1|2|index)\]/, `${name}: ${call}`)
  }
})

t.test('numbers are written out, because Lua would round them', async t => {
  for (const { name, lua } of [PRESENT, RAISE, READ, RENEW, RESERVE, SETTLE]) t.notMatch(lua, /tostring/, name)
})
