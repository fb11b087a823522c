import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { EMBEDDER, GLM, LLAMA, startServer } from '../../start-server.ts'

const program = fileURLToPath(new URL('../node_modules/.bin/promptfoo', import.meta.url))

const { baseURL } = await startServer(t)

t.test('what models answer is judged by chat, responses and completions, and by how near it is to what is wanted', async t => {
  const folder = t.testdir()
  const config = { apiBaseUrl: baseURL, apiKey: 'unused', max_tokens: 200, max_output_tokens: 200 }
  const providers = [`openai:chat:${LLAMA}`, `openai:chat:${GLM}`, `openai:responses:${LLAMA}`, `openai:responses:${GLM}`, `openai:completion:${LLAMA}`].map(id => ({ id, config }))
  writeFileSync(join(folder, 'promptfooconfig.json'), JSON.stringify({
    providers,
    prompts: ['say {{words}}'],
    defaultTest: { options: { provider: { embedding: { id: `openai:embedding:${EMBEDDER}`, config } } } },
    tests: [{ vars: { words: 'one two three' }, assert: [{ type: 'contains', value: 'one two three' }, { type: 'similar', value: 'one two three', threshold: 0.5 }] }]
  }))

  const env = { PATH: process.env.PATH, HOME: folder, PROMPTFOO_CONFIG_DIR: join(folder, 'state'), PROMPTFOO_DISABLE_TELEMETRY: '1', PROMPTFOO_DISABLE_UPDATE: '1', PROMPTFOO_DISABLE_SHARING: '1' }
  const child = spawn(program, ['eval', '--no-cache', '--no-progress-bar', '--output', 'results.json'], { cwd: folder, env, timeout: 110_000 })
  const [output, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (code !== 0) t.comment(output, complaints)
  t.equal(code, 0)
  const { results } = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))
  t.match(results.stats, { successes: providers.length, failures: 0, errors: 0, tokenUsage: { total: Number } })
})
