import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'

const ROOT = new URL('../../', import.meta.url)

interface Lockfile { packages: Record<string, { version?: string }> }

function read (path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

const readme = read('README.md')
const page = read('docs/clients.md')
const fast = (JSON.parse(read('test/clients/package-lock.json')) as Lockfile).packages
const all = (JSON.parse(read('test/clients/all/package-lock.json')) as Lockfile).packages
const pins = readdirSync(new URL('test/agents/', ROOT)).flatMap(name => [...read(`test/agents/${name}`).matchAll(/package: '(.+)@([\d.]+)'/g)].map(([, name = '', version = '']) => ({ name, version })))

/** What the libraries of this folder call; versions beside the usual one have a name of their own in the lockfile. */
const FAST: Record<string, string> = {
  openai: 'chat, Responses, completions, embeddings, models',
  'openai-4': 'chat, Responses, completions, embeddings, models',
  'openai-5': 'chat, Responses, completions, embeddings, models',
  'openai-7': 'chat, Responses, completions, embeddings, models',
  'groq-sdk': 'chat, embeddings, models',
  ai: 'chat, Responses, completions, embeddings',
  'ai-5': 'chat, Responses, embeddings',
  'ai-7': 'chat, Responses, embeddings',
  '@langchain/openai': 'chat, Responses, completions, embeddings',
  langchain: 'chat, Responses',
  '@langchain/langgraph': 'chat, Responses',
  '@openai/agents': 'chat, Responses',
  '@llamaindex/openai': 'chat, Responses, embeddings',
  '@instructor-ai/instructor': 'chat',
  xsai: 'chat, embeddings, models',
  '@anthropic-ai/sdk': 'Messages, token counts, models',
  '@anthropic-ai/sdk-0': 'Messages, token counts, models',
  '@ai-sdk/anthropic': 'Messages',
  '@ai-sdk/anthropic-5': 'Messages',
  '@ai-sdk/anthropic-7': 'Messages',
  '@langchain/anthropic': 'Messages'
}

/** What agents call that do not call chat completions. */
const AGENTS: Record<string, string> = {
  '@openai/codex': 'Responses',
  '@anthropic-ai/claude-code-linux-x64': 'Messages'
}

/** What those in `all/` call, by the folder of each. */
const ALL: Record<string, { name: string, calls: string }> = {
  'ai-sdk-4': { name: 'ai', calls: 'chat, Responses, embeddings' },
  genkit: { name: '@genkit-ai/compat-oai', calls: 'chat' },
  librechat: { name: '@librechat/agents', calls: 'chat, Responses' },
  mastra: { name: '@mastra/core', calls: 'chat, Responses' },
  promptfoo: { name: 'promptfoo', calls: 'chat, Responses, completions, embeddings' },
  strands: { name: '@strands-agents/sdk', calls: 'chat, Responses' },
  'tanstack-ai': { name: '@tanstack/ai', calls: 'chat, Responses' }
}

function versionInAll (folder: string, name: string): string | undefined {
  return (all[`${folder}/node_modules/${name}`] ?? all[`node_modules/${name}`])?.version
}

const rows = [
  ...Object.entries(FAST).map(([name, calls]) => `| \`${name.replace(/^(openai|ai|@anthropic-ai\/sdk|@ai-sdk\/anthropic)-\d$/, '$1')}\` | ${fast[`node_modules/${name}`]?.version} | ${calls} | ${name === 'openai' ? '`npm test`' : '`npm run test:clients`'} |`),
  ...Object.entries(ALL).map(([folder, { name, calls }]) => `| \`${name}\` | ${versionInAll(folder, name)} | ${calls} | \`npm run test:clients -- --all\` |`),
  ...pins.map(({ name, version }) => `| \`${name}\` | ${version} | ${AGENTS[name] ?? 'chat'} | \`npm run test:agents\` |`)
]
const table = ['| package | version | calls | run by |', '|---|---|---|---|', ...rows, ''].join('\n')

t.test('the page of clients tells what was run, by the lockfiles and the versions agents are pinned to', t => {
  const start = page.indexOf('| package | version |')
  const end = page.indexOf('\n\n', start) + 1
  if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(new URL('docs/clients.md', ROOT), page.slice(0, start) + table + page.slice(end))
  else t.equal(page.slice(start, end), table, 'renew it: UPDATE_DOCS=1 npx tap run test/clients/clients-table.test.ts')
  t.end()
})

t.test('every client that is installed to be driven has its row', t => {
  const folders = readdirSync(new URL('test/clients/all/', ROOT)).filter(name => existsSync(new URL(`test/clients/all/${name}/package.json`, ROOT)))
  t.strictSame(folders.sort(), Object.keys(ALL).sort())
  t.notMatch(table, 'undefined')
  t.end()
})

t.test('the lockfiles name no registry', t => {
  for (const path of ['test/clients/package-lock.json', 'test/clients/all/package-lock.json']) t.notMatch(read(path), /"resolved": "http/, path)
  t.end()
})

t.test('the README names the versions of the clients that were tested', t => {
  const named = [...readme.matchAll(/^\|.*\| `([^`]+)` (\d+\.\d+\.\d+) \|/gm)]
  t.ok(named.length > 7)
  for (const [, name = '', version = ''] of named) t.ok(rows.some(row => row.startsWith(`| \`${name}\` | ${version} |`)) || fast[`node_modules/${name}`]?.version === version, `${name} ${version}`)
  t.end()
})

t.test('the README leads to recipes that are there', t => {
  const recipes = [...page.matchAll(/^##+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'))
  const links = [...readme.matchAll(/docs\/clients\.md#([\w-]+)/g)].map(([, anchor = '']) => anchor)
  t.ok(links.length > 10)
  t.strictSame(links.filter(anchor => !recipes.includes(anchor)), [])
  t.end()
})
