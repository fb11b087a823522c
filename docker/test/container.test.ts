import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { assembled, readChatStream } from '../../test/streams/chat-stream.ts'
import { ask, post, saying } from '../../test/servers/start-proxy.ts'
import { docker, getStatus, HARDENED, IMAGE, run, startContainer, until } from './docker.ts'

const OFFLINE = { UPSTREAM: 'simulator', SIMULATOR_TOKENS_PER_SECOND: '0' }
const OPEN = { ...OFFLINE, ALLOW_UNAUTHENTICATED: 'true' }

t.test('nothing is more than it needs: it chats, and becomes healthy', async t => {
  const { id, url } = await startContainer(t, OPEN, ['--health-interval', '1s'])
  const answer = readChatStream(await (await ask({ url }, saying('say hello from the container', { stream: true }))).text())
  t.match(answer, { isDone: true, complaints: [] })
  t.equal(assembled(answer.chunks)[0]?.message.content, 'hello from the container')
  await until(async () => await docker('inspect', '--format', '{{.State.Health.Status}}', id) === 'healthy')

  t.equal(await docker('exec', id, 'id', '-u'), '1000')
  t.equal(await docker('exec', id, 'cat', '/proc/1/comm'), 'node', 'the first process, whom signals reach')
  const status = await docker('exec', id, 'cat', '/proc/1/status')
  t.match(status, /^CapEff:\s+0+$/m)
  t.match(status, /^NoNewPrivs:\s+1$/m)
  for (const path of ['/app/dist/main.js', '/tmp/file']) t.not((await run('docker', ['exec', id, 'touch', path])).code, 0, `${path} cannot be written`)
})

t.test('it does not start where others could use it without keys, unless it is told to', async t => {
  const { code, stderr } = await run('docker', ['run', '--rm', ...HARDENED, '--env', 'UPSTREAM=simulator', IMAGE])
  t.equal(code, 2)
  t.match(stderr, /HOST: other machines can reach "0\.0\.0\.0", and there are no keys; set API_KEYS/)
})

t.test('secrets come from files, and show nowhere', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'keys'), 'team:key-from-a-file\n', { mode: 0o644 })
  const { id, url } = await startContainer(t, { ...OFFLINE, API_KEYS_FILE: '/run/secrets/keys' }, ['--volume', `${folder}/keys:/run/secrets/keys:ro`])
  t.equal(await getStatus(`${url}/v1/models`), 401)
  t.equal(await getStatus(`${url}/v1/models`, { authorization: 'Bearer key-from-a-file' }), 200)
  t.notMatch(`${await docker('inspect', id)}${await docker('logs', id)}`, 'key-from-a-file')
})

t.test('docker stop lets an answer end, and the code is 0', async t => {
  const { id, url } = await startContainer(t, { ...OPEN, SIMULATOR_TOKENS_PER_SECOND: '20' })
  const answer = await ask({ url }, saying('say 60 words', { stream: true }))
  const stopped = docker('stop', '-t', '40', id)
  await until(async () => await getStatus(`${url}/health`) !== 200)
  t.match(readChatStream(await answer.text()), { isDone: true, complaints: [] }, 'whole, though nobody new is served')
  await stopped
  t.equal(await docker('inspect', '--format', '{{.State.ExitCode}}', id), '0')
})

t.test('docker stop takes no longer than it must', async t => {
  const { id } = await startContainer(t, OPEN)
  const began = Date.now()
  await docker('stop', '-t', '60', id)
  t.equal(await docker('inspect', '--format', '{{.State.ExitCode}}', id), '0')
  t.ok(Date.now() - began < 30_000, 'it was not killed')
})

t.test('responses can be kept on a volume', async t => {
  const { url } = await startContainer(t, { ...OPEN, STORE_PATH: '/data/responses.db' }, ['--tmpfs', '/data:uid=1000,mode=0700'])
  const response = await post({ url }, '/v1/responses', { model: '@cf/openai/gpt-oss-20b', input: 'say kept' })
  const { id } = await response.json() as { id: string }
  t.equal(await getStatus(`${url}/v1/responses/${id}`), 200)
})
