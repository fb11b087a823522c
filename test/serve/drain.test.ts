import t, { type Test } from 'tap'
import { breakOff, drain } from '../../src/serve/drain.ts'
import { buildApp } from '../../src/index.ts'
import { readSettings } from '../../src/settings/reader.ts'

async function serve (t: Test, tokensPerSecond: number) {
  const env = { UPSTREAM: 'simulator', SIMULATOR_TOKENS_PER_SECOND: String(tokensPerSecond), LOG_LEVEL: 'silent' }
  const app = await buildApp(readSettings({ env, readFile: () => '' }).settings)
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', messages: [{ role: 'user', content: 'say 20 words' }], stream: true })
  })
  return { app, url, answer }
}

t.test('it says at once that it stops, and goes on serving for the delay', async t => {
  const { app, url, answer } = await serve(t, 0)
  await answer.text()
  const drained = drain(app, { drainDelayMs: 500, drainTimeoutMs: 5_000 })
  t.equal((await fetch(`${url}/readyz`)).status, 503)
  await drained
  await t.rejects(fetch(`${url}/readyz`))
})

t.test('answers of the delay close their connections', async t => {
  const { app, url, answer } = await serve(t, 0)
  await answer.text()
  const drained = drain(app, { drainDelayMs: 2_000, drainTimeoutMs: 5_000 })
  const body = (stream: boolean) => JSON.stringify({ model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', messages: [{ role: 'user', content: 'say hi' }], stream })
  for (const stream of [false, true]) {
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: body(stream) })
    t.match({ status: response.status, connection: response.headers.get('connection') }, { status: 200, connection: 'close' }, stream ? 'streamed' : 'plain')
    await response.text()
  }
  await drained
})

t.test('what runs ends well when there is time', async t => {
  const { app, answer } = await serve(t, 40)
  await drain(app, { drainDelayMs: 0, drainTimeoutMs: 60_000 })
  t.match(await answer.text(), /data: \[DONE\]\n\n$/)
})

t.test('what runs longer is told that it is cut', async t => {
  const { app, answer } = await serve(t, 2)
  await drain(app, { drainDelayMs: 0, drainTimeoutMs: 100 })
  const text = await answer.text()
  t.match(text, '"code":"server_stopping"')
  t.notMatch(text, '[DONE]')
})

t.test('after a bug nothing new is begun, and what runs is told that it is cut', async t => {
  const { app, answer } = await serve(t, 2)
  const broken = breakOff(app)
  t.equal(app.activeRequests.isBroken, true)
  await broken
  t.match(await answer.text(), '"code":"server_stopping"')
})
