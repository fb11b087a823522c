import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { ask, MISTRAL, saying, startProxy, startUpstream, type Proxy } from '../start-proxy.ts'

/** Each level is checked twice for each one above it. */
function doubling (levels: number): Record<string, unknown> {
  const $defs = Object.fromEntries(Array.from({ length: levels }, (_, level) => {
    const below = { $ref: `#/$defs/level${level + 1}` }
    return [`level${level}`, { allOf: [below, below] }]
  }))
  return { $defs: { ...$defs, [`level${levels}`]: { title: 'bottom' } }, $ref: '#/$defs/level0' }
}

const format = (schema: object, strict = true): object => ({ response_format: { type: 'json_schema', json_schema: { name: 'trap', strict, schema } } })

/** The longest time `/health` took to answer while something else was going on, in milliseconds. */
async function slowestHealth (proxy: Proxy, meanwhile: Promise<unknown>): Promise<number> {
  const over = meanwhile.then(() => true)
  let slowest = 0
  do {
    const began = Date.now()
    await (await fetch(`${proxy.url}/health`)).text()
    slowest = Math.max(slowest, Date.now() - began)
  } while (!await Promise.race([over, setImmediate(false)]))
  return slowest
}

t.test('a schema that takes for ever to check is refused, and holds nobody up', async t => {
  const proxy = await startProxy(t)
  const asked = ask(proxy, saying('say {}', format(doubling(60))))
  t.ok(await slowestHealth(proxy, asked) < 5_000)
  const response = await asked
  t.equal(response.status, 400)
  t.match(await response.json(), { error: { param: 'response_format', message: /broken off/ } })
  t.strictSame(proxy.simulator.requests, [])
})

t.test('a pattern that takes for ever on an answer ends as an answer that does not fit', async t => {
  const trap = { type: 'object', properties: { text: { type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' } } }
  const answer = JSON.stringify({ text: 'a'.repeat(60) })
  for (const stream of [false, true]) {
    const upstream = await startUpstream(t, [{ response: answer }, { response: answer }])
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream })
    const asked = ask(proxy, saying('hi', { model: MISTRAL, stream, ...format(trap) })).then(response => response.text())
    t.ok(await slowestHealth(proxy, asked) < 5_000)
    t.match(await asked, /"code":"json_schema_mismatch"/, stream ? 'a stream' : 'plain')
  }
})

t.test('an answer that takes for ever to mend stays as it is', async t => {
  const endless = `{"a":${'"b'.repeat(49_000)}`
  for (const body of [{ response_format: { type: 'json_object' } }, { tools: [{ type: 'function', function: { name: 'f' } }] }]) {
    const upstream = await startUpstream(t, [{ response: endless }, { response: endless }])
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream })
    const asked = ask(proxy, saying('hi', body)).then(response => response.text())
    t.ok(await slowestHealth(proxy, asked) < 5_000)
    t.match(await asked, /"content":"\{/)
  }
})

t.test('the arguments of a tool are passed on as they are when they cannot be checked', async t => {
  const parameters = { type: 'object', properties: { text: { type: 'string', pattern: '^(a|a)*$' } } }
  const proxy = await startProxy(t)
  const asked = ask(proxy, saying(`call tool lookup with {"text":"${'a'.repeat(60)}!"}`, { tools: [{ type: 'function', function: { name: 'lookup', parameters } }] }))
  t.ok(await slowestHealth(proxy, asked) < 5_000)
  t.equal((await asked).status, 200)
})
