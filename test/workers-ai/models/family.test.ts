import t from 'tap'
import { FAMILIES, restrictTo } from '../../../src/workers-ai/models/family.ts'

t.test('every family bears its own name and has ranges that can be met', t => {
  for (const [name, family] of Object.entries(FAMILIES)) {
    t.equal(family.name, name, name)
    for (const [parameter, [min, max]] of Object.entries(family.sampling)) t.ok(min < max, `${name}: ${parameter} from ${min} to ${max}`)
    t.ok(family.sampling.temperature !== undefined, `${name} takes a temperature`)
  }
  t.end()
})

t.test('the families differ as Cloudflare documents it', t => {
  const cases = [
    { name: 'penalties of the first schemas cannot be negative', given: FAMILIES.classic.sampling.frequency_penalty, expected: [0, 2] },
    { name: 'penalties since 2025 can', given: FAMILIES['classic-2025'].sampling.frequency_penalty, expected: [-2, 2] },
    { name: 'top_p since 2025 cannot be 0', given: FAMILIES['classic-2025'].sampling.top_p, expected: [0.001, 1] },
    { name: 'qwen3 takes the classic input', given: [FAMILIES.qwen3.content, FAMILIES.qwen3.maxTokensName, FAMILIES.qwen3.jsonSchema], expected: ['string', 'max_tokens', 'bare'] },
    { name: 'OpenAI-shaped models know no top_k', given: FAMILIES.openai.sampling.top_k, expected: undefined },
    { name: 'OpenAI-shaped models want the envelope around a schema', given: FAMILIES.openai.jsonSchema, expected: 'envelope' },
    { name: 'guided models take the schema in a field of its own', given: FAMILIES.guided.jsonSchema, expected: 'guided' },
    { name: 'the classic input takes text only', given: [FAMILIES.classic, FAMILIES['classic-2025'], FAMILIES.qwen3, FAMILIES.guard].map(({ content }) => content), expected: ['string', 'string', 'string', 'string'] },
    { name: 'guided and newer models take parts', given: [FAMILIES.guided, FAMILIES.vision, FAMILIES['llama-4'], FAMILIES.openai].map(({ content }) => content), expected: ['parts', 'parts', 'parts', 'parts'] },
    { name: 'llama-guard takes no tools', given: FAMILIES.guard.tools, expected: 'none' }
  ]
  for (const { name, given, expected } of cases) t.strictSame(given, expected, name)
  t.end()
})

t.test('a record says what one model of a family lacks', t => {
  const able = { tools: true, reasoning: true, json: true }
  const { classic, openai } = FAMILIES
  const cases = [
    { name: 'nothing', given: restrictTo(openai, able), expected: openai },
    { name: 'native tools', given: restrictTo(classic, { ...able, tools: false }).tools, expected: 'prompt' },
    { name: 'tools at all', given: restrictTo(FAMILIES.guard, { ...able, tools: false }).tools, expected: 'none' },
    { name: 'JSON Schema', given: restrictTo(classic, { ...able, json: false }).jsonSchema, expected: 'none' },
    { name: 'JSON Schema by another way than the bare one', given: restrictTo(openai, { ...able, json: false }).jsonSchema, expected: 'envelope' },
    { name: 'thinking', given: restrictTo(openai, { ...able, reasoning: false }).thinking, expected: { channel: 'reasoning_content', efforts: [], isDefault: false } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(given, expected, name)
  t.end()
})
