import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import t, { type Test } from 'tap'
import { assembled, readChatStream } from '../streams/chat-stream.ts'
import { saying } from '../servers/start-proxy.ts'

interface Manifest {
  version: string
  dependencies: Record<string, string>
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')

/** The most that people are to download, in bytes; source maps would be as much again. */
const MAX_PACKED = 1_800_000
const simulated = { UPSTREAM: 'simulator', SIMULATOR_TOKENS_PER_SECOND: '0' }

// Outside of the checkout, whose node_modules would be found by whatever the package forgot to depend on.
const temp = mkdtempSync(join(tmpdir(), 'workers-ai-proxy-'))
const stage = join(temp, 'stage')
const app = join(temp, 'app')
const installed = join(app, 'node_modules/workers-ai-proxy')
t.teardown(() => rmSync(temp, { recursive: true, force: true }))

/** Runs a program to its end, as if no npm and no tap had started this test; rejects unless it exits with 0. */
async function run (command: string, argv: string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(command, argv, { cwd, env: { ...withoutRunner(process.env), ...env }, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

function withoutRunner (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(npm_(?!config_)|NODE_OPTIONS|TAP)/.test(name)))
}

/** The same for one that may fail. */
async function exitOf (argv: string[], env: Record<string, string> = {}): Promise<{ code: number, stdout: string, stderr: string }> {
  const options = { cwd: app, env: { PATH: process.env['PATH'] ?? '', ...env } }
  return promisify(execFile)(bin(), argv, options)
    .then(output => ({ code: 0, ...output }), ({ code, stdout, stderr }) => ({ code, stdout, stderr }))
}

function bin (): string {
  return join(app, 'node_modules/.bin/workers-ai-proxy')
}

/** Starts a program that serves; resolves with its URL once it has told that. */
async function serve (t: Test, command: string, argv: string[], env: Record<string, string>, told: RegExp): Promise<{ child: ChildProcess, url: string }> {
  const child = spawn(command, argv, { cwd: app, env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { stdout += piece })
  for (;;) {
    const [, url] = told.exec(stdout) ?? []
    if (url !== undefined) return { child, url }
    if (child.stdout.readableEnded) throw new Error(`it never told where it serves: ${stdout}`)
    await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'end')])
  }
}

/** Chats with what serves, streamed. */
async function chat (t: Test, url: string): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(saying('say It works', { stream: true }))
  })
  const stream = readChatStream(await response.text())
  t.strictSame([stream.complaints, stream.isDone], [[], true])
  t.equal(assembled(stream.chunks)[0]?.message.content, 'It works')
}

function filesIn (folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => statSync(join(folder, name)).isFile()).map(name => name.replaceAll('\\', '/')).sort()
}

let tarball = ''

await t.test('it packs', async t => {
  mkdirSync(stage)
  for (const name of ['package.json', 'tsconfig.json', 'README.md', 'LICENSE', 'CHANGELOG.md', '.ci', 'src']) cpSync(join(ROOT, name), join(stage, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(stage, 'node_modules'))
  const [packed] = JSON.parse(await run('npm', ['pack', '--json', '--silent', '--pack-destination', temp], stage)) as Array<{ filename: string, size: number, unpackedSize: number, entryCount: number }>
  t.ok(packed)
  if (packed === undefined) return
  tarball = join(temp, packed.filename)
  t.comment(`${packed.filename}: ${packed.size} bytes, ${packed.unpackedSize} unpacked, ${packed.entryCount} files`)
  t.ok(packed.size < MAX_PACKED, 'it is small')
})

await t.test('it installs into an empty folder', async t => {
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  await run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefer-offline', tarball], app)
  t.equal((JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest).version, manifest.version)
})

await t.test('it holds what was built, what is read, and nothing else', async t => {
  const files = filesIn(installed).filter(name => !name.startsWith('node_modules/') && !/^dist\/(?:chunks|ui)\//.test(name))
  const built = filesIn(join(ROOT, 'src')).filter(name => !name.startsWith('ui/')).map(name => name.replace(/\.ts$/, '')).flatMap(name => [`dist/${name}.d.ts`, `dist/${name}.js`])
  t.strictSame(files, ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'dist/LICENSES.txt', ...['', '.br', '.gz'].map(coding => `dist/openapi.json${coding}`), ...built].sort())
  const texts = filesIn(installed).filter(name => !name.startsWith('node_modules/')).map(name => ({ name, text: readFileSync(join(installed, name), 'utf8') }))
  t.strictSame(texts.filter(({ text }) => text.includes('sourceMappingURL')).map(({ name }) => name), [], 'no map is promised that is not there')
  t.strictSame(texts.filter(({ text }) => [ROOT, temp, tmpdir()].some(path => path.length > 5 && text.includes(path))).map(({ name }) => name), [], 'nothing tells where it was built')
  const secrets = /\bBearer [\w-]{24,}|\b(?:npm|ghp|gho|sk)[_-][A-Za-z0-9]{20,}|PRIVATE KEY|\/\/[^\s/]+:_authToken/
  t.strictSame(texts.filter(({ text }) => secrets.test(text)).map(({ name }) => name), [], 'no secret is in it')
})

await t.test('publint has nothing to say', async t => {
  const { messages, pkg } = await publint({ pkgDir: installed, strict: true, pack: false })
  t.strictSame(messages.map(message => formatMessage(message, pkg, { color: false })), [])
})

await t.test('the program runs', async t => {
  t.equal((await exitOf(['--version'])).stdout, `${manifest.version}\n`)
  t.match(await exitOf(['--help']), { code: 0, stdout: /^Usage: workers-ai-proxy \[flags\]/, stderr: '' })
  t.match(await exitOf(['doctor', '--demo']), { code: 0, stdout: /^OK$/m, stderr: '' })
  t.match(await exitOf(['doctor']), { code: 2, stdout: /CLOUDFLARE_ACCOUNT_ID: not set/, stderr: '' })
  t.match(await exitOf([]), { code: 2, stderr: /CLOUDFLARE_API_TOKEN: not set/ })
})

await t.test('the demo serves a streamed chat, and stops when it is told to', async t => {
  const { child, url } = await serve(t, bin(), ['--demo', '--port', '0'], { SIMULATOR_TOKENS_PER_SECOND: '0' }, /base URL {3}(http:\S+)\/v1/)
  await chat(t, url)
  child.kill('SIGTERM')
  t.equal((await once(child, 'close'))[0], 0)
})

await t.test('the example of the README embeds it', async t => {
  const [, example = ''] = /\n## Embed it\n[^]*?```js\n([^]*?)```/.exec(readFileSync(join(installed, 'README.md'), 'utf8')) ?? []
  t.match(example, 'from \'workers-ai-proxy\'')
  writeFileSync(join(app, 'embed.mjs'), example)
  const { url } = await serve(t, process.execPath, ['embed.mjs'], { ...simulated, LOG_LEVEL: 'silent', PORT: '0' }, /(http:\/\/\S+)/)
  await chat(t, url)
  t.equal(await (await fetch(url)).text(), 'my own route')
})

await t.test('importing it does nothing, and shows no more than is promised', async t => {
  const script = "console.log(Object.keys(await import('workers-ai-proxy')).sort().join())"
  t.equal(await run(process.execPath, ['--input-type=module', '-e', script], app), 'buildApp,readSettings\n')
  const inside = "await import('workers-ai-proxy/dist/app.js')"
  await t.rejects(run(process.execPath, ['--input-type=module', '-e', inside], app), { message: /ERR_PACKAGE_PATH_NOT_EXPORTED/ })
})

await t.test('its types fit a program that is strict', async t => {
  writeFileSync(join(app, 'consumer.ts'), `
import type { FastifyInstance } from 'fastify'
import { buildApp, readSettings, type Settings } from 'workers-ai-proxy'

const settings: Settings = { ...readSettings({ UPSTREAM: 'simulator' }), maxStreams: 10 }
export const proxy: FastifyInstance = await buildApp(settings, {})
export const port: number = settings.port
// @ts-expect-error settings are no strings
export const wrong: string = settings.port
// @ts-expect-error nothing else is public
await buildApp(settings, { keepAliveMs: 1 })
`)
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2023', '--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
  // The strictest reader, which also looks into our own declarations, and the one of bundlers.
  for (const [resolution, rest] of [['nodenext', ['--module', 'nodenext', '--skipLibCheck', 'false']], ['bundler', ['--module', 'preserve', '--skipLibCheck']]] as const) {
    const output = await run(process.execPath, [tsc, ...options, '--moduleResolution', resolution, ...rest, 'consumer.ts'], app).catch((error: { stdout: string }) => error.stdout)
    t.equal(output, '', resolution)
  }
})
