import t from 'tap'
import { fits, toModelFacts } from '../../../src/ui/models/model-facts.ts'

const chat = toModelFacts({
  id: '@cf/a/b', task: 'text-generation', context_length: 24_000, capabilities: { tools: true, json: true }, pricing: { input: 0.293, output: 2.253 }
})
t.strictSame(chat, {
  id: '@cf/a/b',
  abilities: ['chat', 'tools', 'JSON'],
  window: 24_000,
  inputNeurons: 26_636,
  outputNeurons: 204_818,
  freeTokens: 10_000 / 204_818 * 1_000_000,
  isFree: true,
  isChat: true,
  isRetired: false,
  end: undefined,
  successor: undefined
})

t.match(toModelFacts({ id: 'x', neurons: { input: 1, output: 2 }, pricing: { input: 5, output: 5 } }), { inputNeurons: 1, outputNeurons: 2 }, 'the server knows better')
t.match(toModelFacts({ id: 'x', task: 'text-embeddings', dimensions: 384, pricing: { input: 0.02, output: null } }), { abilities: ['embeddings', '384 numbers'], isChat: false, freeTokens: 10_000 / 1_818 * 1_000_000 })
t.match(toModelFacts({ id: 'x', requires_workers_paid: true, shutdown_date: '2026-12-01', retired: true, successor: '@cf/y/z' }), { isFree: false, isRetired: true, end: '2026-12-01', successor: '@cf/y/z' })
t.equal(toModelFacts({ id: 'x', task: 'text-generation' }).freeTokens, undefined, 'an unknown price buys nobody knows what')

const all = { text: '', abilities: [], onlyFree: false }
t.ok(fits(chat, all))
t.ok(fits(chat, { ...all, text: 'A/B tools', abilities: ['tools'], onlyFree: true }))
t.notOk(fits(chat, { ...all, abilities: ['vision'] }))
t.notOk(fits({ ...chat, isFree: false }, { ...all, onlyFree: true }))
t.notOk(fits(chat, { ...all, text: 'qwen' }))
