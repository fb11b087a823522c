import { execFileSync } from 'node:child_process'
import { parse } from 'smol-toml'
import t from 'tap'
import { toRecipes, type RecipeFacts } from '../../../src/ui/setup/recipes.ts'

const facts = { address: 'http://127.0.0.1:8686/', hasKeys: false, model: '@cf/zai-org/glm-4.7-flash', embeddingModel: '@cf/baai/bge-m3' }
const textOf = (name: string, members: Partial<RecipeFacts> = {}) => toRecipes({ ...facts, ...members }).find(recipe => recipe.name === name)?.text ?? ''

t.test('every client gets the address and the model', t => {
  for (const { name, text } of toRecipes(facts)) {
    t.match(text, /(?:127\.0\.0\.1|host\.docker\.internal):8686/, name)
    t.ok(text.includes('@cf/') || name === 'open-webui', name)
    t.notMatch(text, 'API_KEY"', `${name} needs no key`)
  }
  t.end()
})

t.test('a key is named, never written', t => {
  for (const { name, text } of toRecipes({ ...facts, hasKeys: true })) t.match(text, /API_KEY/, name)
  t.end()
})

t.test('addresses are as each client wants them', t => {
  t.match(textOf('claude-code'), 'ANTHROPIC_BASE_URL=http://127.0.0.1:8686\n')
  t.match(textOf('claude-code', { window: 131_072 }), 'CLAUDE_CODE_MAX_CONTEXT_TOKENS=131072 CLAUDE_CODE_MAX_OUTPUT_TOKENS=16384\n')
  t.notMatch(textOf('claude-code'), 'MAX_CONTEXT_TOKENS', 'a window that nobody knows')
  t.match(textOf('open-webui'), 'OPENAI_API_BASE_URL=http://host.docker.internal:8686/v1')
  t.match(textOf('open-webui', { address: 'https://ai.example.com/' }), 'https://ai.example.com/v1')
  t.match(parse(textOf('codex', { hasKeys: true })), { model_providers: { 'workers-ai': { base_url: 'http://127.0.0.1:8686/v1', wire_api: 'responses', env_key: 'API_KEY' } } })
  t.end()
})

t.test('a shell takes its recipes', t => {
  for (const name of ['curl', 'claude-code', 'open-webui', 'embeddings']) for (const hasKeys of [true, false]) execFileSync('sh', ['-nc', textOf(name, { hasKeys })])
  t.end()
})
