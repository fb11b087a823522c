import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse as parseToml } from 'smol-toml'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import { startSimulator } from '../../src/simulator/server.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import { startServer } from './start-server.ts'

const ROOT = new URL('../../', import.meta.url)
const ADDRESS = 'http://127.0.0.1:8686'

/** Commands of snippets that are not run, and why. That their scripts and files are there is looked up. */
const NOT_RUN: Record<string, string> = {
  npm: 'it installs, builds, serves or tests',
  npx: 'it runs tests',
  '.ci/run': 'it runs everything',
  export: 'it has no effect that could be seen',
  aider: 'it is not installed',
  ...Object.fromEntries(['claude', 'cline', 'cn', 'codex', 'copilot', 'goose', 'kilo', 'opencode', 'pi', 'qwen'].map(agent => [agent, 'npm run test:agents installs and runs it'])),
  docker: 'it wants an engine; npm run test:docker has one',
  'docker/build.sh': 'it wants an engine; npm run test:docker has one',
  kubectl: 'it wants a cluster; test/docker reads the manifests'
}

/** Commands of npm that are no scripts. */
const OWN_COMMANDS = ['ci']

interface Snippet {
  /** The page, and the line it begins at. */
  place: string
  language: string
  text: string
}

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync(new URL('docs/', ROOT), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
const snippets = pages.flatMap(toSnippets)

/** Packages are looked for from where a file is, and this folder is below those of the clients, yet ignored by git. */
const folder = new URL('node_modules/.snippets/', import.meta.url)
mkdirSync(folder, { recursive: true })
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

t.test('every snippet is of a language that something is done with', t => {
  const known = ['js', 'python', 'sh', 'json', 'yaml', 'toml', '']
  t.strictSame(snippets.filter(({ language }) => !known.includes(language)).map(({ place }) => place), [])
  t.ok(snippets.length > 20, `${snippets.length} snippets`)
  t.end()
})

t.test('JavaScript runs as it is copied, and has its answer from the server', async t => {
  const { baseURL } = await startServer(t)
  const clients = of('js').filter(({ text }) => !isServer(text))
  t.ok(clients.length > 7)
  await Promise.all(clients.map(async ({ place, text }, index) => {
    const file = new URL(`${index}.mjs`, folder)
    writeFileSync(file, pointedAt(baseURL, text))
    const { code, stdout, stderr } = await exitOf(process.execPath, [fileURLToPath(file)])
    t.equal(code, 0, `${place} ends well ${stderr}`)
    t.not(stdout.trim(), '', `${place} prints what came`)
  }))
})

t.test('JavaScript that serves is built on, and serves', async t => {
  const servers = of('js').filter(({ text }) => isServer(text))
  t.ok(servers.length > 0)
  for (const { place, text } of servers) {
    // Below the root, where the package knows itself by its name.
    const file = `${t.testdir({ 'snippet.mjs': text })}/snippet.mjs`
    const child = spawn(process.execPath, [file], { env: { ...plainEnvironment(), UPSTREAM: 'simulator', PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    let url: string | undefined
    for await (const piece of child.stdout.setEncoding('utf8')) {
      url ??= /^(http:\S+)$/m.exec(piece)?.[1]
      if (url !== undefined) break
    }
    t.equal((await fetch(`${url}/v1/models`)).status, 200, place)
    child.kill('SIGKILL')
    await once(child, 'close')
  }
})

t.test('Python can be read, and runs where its packages are', async t => {
  const { baseURL } = await startServer(t)
  if ((await exitOf('python3', ['--version'])).code !== 0) {
    t.pass('nothing is read', { skip: 'there is no python3' })
    return
  }
  for (const { place, text } of of('python')) {
    t.match(await exitOf('python3', ['-c', 'import ast, sys; ast.parse(sys.argv[1])', text]), { code: 0 }, `${place} can be read`)
    const names = [...text.matchAll(/^(?:from|import) (\w+)/gm)].map(([, name = '']) => name)
    const hasAll = await exitOf('python3', ['-c', names.map(name => `import ${name}`).join('\n')])
    if (hasAll.code !== 0) {
      t.pass(`${place} runs`, { skip: `python3 has not all of ${names.join(', ')}` })
      continue
    }
    const { code, stdout, stderr } = await exitOf('python3', ['-c', pointedAt(baseURL, text)])
    t.equal(code, 0, `${place} ends well ${stderr}`)
    t.not(stdout.trim(), '', `${place} prints what came`)
  }
})

t.test('what is typed into a shell runs, or names only what there is', async t => {
  const { baseURL } = await startServer(t)
  const simulator = await startSimulator()
  t.teardown(() => simulator.close())
  const account = { CLOUDFLARE_API_BASE_URL: simulator.url, CLOUDFLARE_ACCOUNT_ID: simulator.accountId, CLOUDFLARE_API_TOKEN: simulator.apiToken }
  for (const { place, text } of of('sh')) {
    t.match(await exitOf('bash', ['-n', '-c', text]), { code: 0 }, `${place} can be read`)
    for (const command of toCommands(text)) {
      const [program = '', ...words] = command.split(/\s+/)
      switch (program) {
        case 'curl': {
          const { code, stdout, stderr } = await exitOf('bash', ['-c', `${pointedAt(baseURL, command)} --silent --show-error`])
          const expected = command.includes('fail with') ? { error: { message: String } } : { object: 'chat.completion', choices: [{ message: { content: String } }] }
          if (code === 127) t.pass(`${place}: ${program}`, { skip: 'there is no curl' })
          else t.match(code === 0 ? JSON.parse(stdout) : stderr, expected, `${place}: ${program}`)
          break
        }
        case 'node': {
          if (words[0]?.startsWith('test/')) {
            t.strictSame(missingIn(program, words), [], `${place}: ${command} is not run, because it runs tests`)
            break
          }
          const { code, stdout, stderr } = await exitOf('bash', ['-c', command], account)
          t.equal(code, 0, `${place}: ${command} ${stdout}${stderr}`)
          break
        }
        default:
          t.ok(program in NOT_RUN, `${place}: ${program} is not run, because ${NOT_RUN[program]}`)
          t.strictSame(missingIn(program, words), [], `${place}: ${command}`)
      }
    }
  }
})

t.test('configurations can be read', t => {
  const readers: Record<string, (text: string) => unknown> = { json: text => JSON.parse(text), yaml: text => parseYaml(text), toml: text => parseToml(text) }
  for (const [language, read] of Object.entries(readers)) {
    t.ok(of(language).length > 0, language)
    for (const { place, text } of of(language)) t.type(read(text), 'object', place)
  }
  t.end()
})

t.test('models that are recommended are there today, and in the free plan as well', t => {
  const named = snippets.flatMap(({ place, text }) => toModels(text).map(model => ({ place, model })))
  t.ok(named.length > 10)
  t.strictSame(named.filter(({ model }) => CATALOGUE.get(model)?.retirement !== undefined || !CATALOGUE.has(model)), [], 'none is retired or unknown')
  t.strictSame(named.filter(({ model }) => CATALOGUE.get(model)?.paidOnly), [], 'none wants a plan that is paid')
  t.end()
})

function toSnippets (page: string): Snippet[] {
  const source = readFileSync(new URL(page, ROOT), 'utf8')
  return [...source.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(({ 1: language = '', 2: text = '', index }) => ({ place: `${page}:${source.slice(0, index).split('\n').length}`, language, text }))
}

function of (language: string): Snippet[] {
  return snippets.filter(snippet => snippet.language === language)
}

function isServer (text: string): boolean {
  return text.includes('.listen(')
}

/** Ids with their maker; an ellipsis is none. */
function toModels (text: string): string[] {
  return [...text.matchAll(/@[ch]f\/[\w.-]+\/[\w.-]*\w/g)].map(([model]) => model)
}

function pointedAt (baseURL: string, text: string): string {
  return text.replaceAll(ADDRESS, new URL(baseURL).origin)
}

/** Its commands, each in a line, without comments. */
function toCommands (text: string): string[] {
  const lines = text.replaceAll(/(?:^|\s+)#\s.*$/gm, '').replaceAll(/\\\n/g, ' ').match(/(?:'[^']*'|"[^"]*"|[^'"\n])+/g) ?? []
  return lines.flatMap(line => line.split(' && ')).map(command => command.trim()).filter(Boolean)
}

/** What a command names that is not there: scripts of npm, and files of folders that there are. */
function missingIn (program: string, words: string[]): string[] {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { scripts: Record<string, string> }
  const [script] = words.filter(word => word !== 'run')
  const isMissing = program === 'npm' && script !== undefined && !OWN_COMMANDS.includes(script) && !(script in scripts)
  const paths = [program, ...words].filter(word => /^[\w.-]+\/[\w./-]+$/.test(word) && existsSync(new URL(word.split('/')[0] as string, ROOT)))
  return [...(isMissing ? [`npm run ${script}`] : []), ...paths.filter(path => !existsSync(new URL(path, ROOT)))]
}

/** As if no npm and no tap had started this test, and no key were set. */
function plainEnvironment (): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => value === undefined || /^(npm_|NODE_OPTIONS|TAP|OPENAI_|ANTHROPIC_|CLOUDFLARE_)/.test(name) ? [] : [[name, value]]))
}

/** Runs a program to its end; 127 when there is none. */
async function exitOf (program: string, argv: string[], env: Record<string, string> = {}): Promise<{ code: number, stdout: string, stderr: string }> {
  return promisify(execFile)(program, argv, { cwd: fileURLToPath(ROOT), env: { ...plainEnvironment(), ...env }, timeout: 60_000 })
    .then(output => ({ code: 0, ...output }), ({ code, stdout = '', stderr = '' }) => ({ code: code === 'ENOENT' ? 127 : code as number, stdout, stderr }))
}
