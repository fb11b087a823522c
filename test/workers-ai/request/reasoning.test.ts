import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { GenerationRequest } from '../../../src/generation/request.ts'
import { toReasoning } from '../../../src/workers-ai/request/reasoning.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { FAMILIES, restrictTo, type Family, type FamilyName } from '../../../src/workers-ai/models/family.ts'

function translated (effort: string | null | undefined, family: Family, more: object = {}): { native: Record<string, unknown>, changes: Change[] } {
  const changes: Change[] = []
  const request = { model: 'm', messages: [], ...(effort !== undefined && { reasoning_effort: effort }), ...more } as unknown as GenerationRequest
  return { native: toReasoning(request, family, changes).fields, changes }
}

/** What is sent, in short, and what becomes of the parameter. */
function tell (effort: string, family: Family): string {
  const { native, changes } = translated(effort, family)
  return [JSON.stringify(native), ...changes.map(({ param, action, to }) => `${param} ${action}${to === undefined ? '' : ` to ${String(to)}`}`)].join(' ')
}

const CANNOT = '{} reasoning_effort dropped'
const OFF = '{"chat_template_kwargs":{"enable_thinking":false}} reasoning_effort renamed to chat_template_kwargs.enable_thinking=false'
const ON = '{"chat_template_kwargs":{"enable_thinking":true}} reasoning_effort renamed to chat_template_kwargs.enable_thinking=true'
const KIMI_OFF = OFF.replaceAll('enable_thinking', 'thinking')
const LOW = '{"reasoning_effort":"low"}'
const MEDIUM = '{"reasoning_effort":"medium"}'
const HIGH = '{"reasoning_effort":"high"}'
const MAX = '{"reasoning_effort":"max"}'
const TO_LOW = `${LOW} reasoning_effort clamped to low`
const TO_HIGH = `${HIGH} reasoning_effort clamped to high`
const TO_MAX = `${MAX} reasoning_effort clamped to max`

t.test('each family hears the effort in its own words, and never an effort beside a switch', t => {
  const openai = { none: OFF, minimal: TO_LOW, low: LOW, medium: MEDIUM, high: HIGH, xhigh: TO_HIGH, max: TO_HIGH }
  const cannot = { none: CANNOT, medium: CANNOT, max: CANNOT }
  const cases: Array<{ family: FamilyName, expected: Record<string, string> }> = [
    { family: 'openai', expected: openai },
    { family: 'qwen3.8', expected: openai },
    { family: 'gemma-4', expected: { none: OFF, minimal: TO_HIGH, low: TO_HIGH, medium: TO_HIGH, high: HIGH, max: TO_HIGH } },
    { family: 'kimi', expected: { none: KIMI_OFF, minimal: TO_HIGH, low: TO_HIGH, medium: TO_HIGH, high: HIGH, xhigh: TO_HIGH, max: TO_HIGH } },
    { family: 'qwen3', expected: { none: OFF, minimal: ON, low: ON, high: ON } },
    { family: 'deepseek-v4', expected: { none: '{"reasoning_effort":"none"}', minimal: TO_LOW, low: LOW, medium: TO_HIGH, high: HIGH, xhigh: TO_MAX, max: MAX } },
    { family: 'gpt-oss', expected: { none: TO_LOW, minimal: TO_LOW, medium: MEDIUM, max: TO_HIGH } },
    { family: 'qwq', expected: cannot },
    { family: 'r1-distill', expected: cannot },
    { family: 'granite', expected: cannot },
    { family: 'sea-lion', expected: cannot },
    { family: 'classic', expected: cannot },
    { family: 'llama-4', expected: cannot }
  ]
  for (const { family, expected } of cases) {
    for (const [effort, told] of Object.entries(expected)) t.equal(tell(effort, FAMILIES[family]), told, `${family}: ${effort}`)
  }
  t.end()
})

t.test('a model of the catalogue hears what Cloudflare lists for it', t => {
  const cases: Array<{ id: string, expected: Record<string, string> }> = [
    { id: '@cf/zai-org/glm-4.7-flash', expected: { none: OFF, minimal: ON, low: ON, high: ON, max: ON } },
    { id: '@cf/zai-org/glm-5.2', expected: { none: OFF, minimal: TO_HIGH, low: TO_HIGH, medium: TO_HIGH, high: HIGH, xhigh: TO_MAX, max: MAX } },
    { id: '@cf/zai-org/glm-5.3', expected: { none: TO_LOW, minimal: TO_LOW, low: LOW, medium: TO_HIGH, high: HIGH, xhigh: TO_MAX, max: MAX } },
    { id: '@cf/zai-org/glm-5.3-flash', expected: { none: TO_LOW, medium: TO_HIGH, max: MAX } },
    { id: '@cf/moonshotai/kimi-k2.6', expected: { none: KIMI_OFF, low: TO_HIGH, high: HIGH } },
    { id: '@cf/moonshotai/kimi-k2.7-code', expected: { none: TO_HIGH, low: TO_HIGH, high: HIGH } },
    { id: '@cf/google/gemma-4-26b-a4b-it', expected: { none: OFF, low: TO_HIGH, high: HIGH } },
    { id: '@cf/deepseek-ai/deepseek-v4-pro-0813', expected: { none: '{"reasoning_effort":"none"}', medium: TO_HIGH, max: MAX } },
    { id: '@cf/openai/gpt-oss-120b', expected: { none: TO_LOW, high: HIGH } }
  ]
  for (const { id, expected } of cases) {
    for (const [effort, told] of Object.entries(expected)) t.equal(tell(effort, CATALOGUE.get(id)?.family as Family), told, `${id}: ${effort}`)
  }
  const { changes } = translated('none', CATALOGUE.get('@cf/zai-org/glm-5.3')?.family as Family)
  t.match(changes, [{ from: 'none', to: 'low', reason: 'this model always thinks, and takes low, high, max' }])
  t.end()
})

t.test('a model that cannot be told says why', t => {
  const reasons = [
    { name: 'it does not think', family: FAMILIES.classic, expected: 'this model does not think' },
    { name: 'it thinks as it likes', family: FAMILIES.qwq, expected: 'the amount of thinking cannot be set for this model' },
    { name: 'its family thinks, but not this model', family: restrictTo(FAMILIES.openai, { tools: true, reasoning: false, json: true }), expected: 'the amount of thinking cannot be set for this model' }
  ]
  for (const { name, family, expected } of reasons) {
    t.strictSame(translated('low', family), { native: {}, changes: [{ param: 'reasoning_effort', action: 'dropped', from: 'low', reason: expected }] }, name)
  }
  t.end()
})

t.test('no effort is nothing to say', t => {
  for (const effort of [undefined, null]) t.strictSame(translated(effort, FAMILIES.openai), { native: {}, changes: [] }, String(effort))
  t.end()
})

t.test('what the caller says to the template wins', t => {
  const switched = (isOn: boolean) => ({ enable_thinking: isOn })
  const cases = [
    { name: 'over the effort', given: switched(false), expected: { chat_template_kwargs: switched(false) }, changes: ['reasoning_effort dropped'] },
    { name: 'but for how much', given: switched(true), expected: { reasoning_effort: 'high' }, changes: ['chat_template_kwargs.enable_thinking renamed'] },
    { name: 'beside the effort', given: { clear_thinking: true }, expected: { reasoning_effort: 'high', chat_template_kwargs: { clear_thinking: true } }, changes: [] },
    { name: 'when it says nothing', given: null, expected: { reasoning_effort: 'high' }, changes: [] }
  ]
  for (const { name, given, expected, changes } of cases) {
    const told = translated('high', FAMILIES.openai, { chat_template_kwargs: given })
    t.strictSame(told.native, expected, name)
    t.strictSame(told.changes.map(({ param, action }) => `${param} ${action}`), changes, `${name} (changes)`)
  }
  t.end()
})

t.test('a switch of the template goes as it is to the models that have it, and in their words to others', t => {
  const off = { chat_template_kwargs: { enable_thinking: false } }
  const on = { chat_template_kwargs: { enable_thinking: true } }
  const kimiOff = { chat_template_kwargs: { thinking: false } }
  const cases: Array<{ name: string, family: Family, given: object, expected: object, changes: string[] }> = [
    { name: 'its own', family: FAMILIES.openai, given: off, expected: off, changes: [] },
    { name: 'its own, on', family: FAMILIES['gemma-4'], given: on, expected: on, changes: [] },
    { name: 'its own, beside another variable', family: FAMILIES.qwen3, given: { chat_template_kwargs: { enable_thinking: false, x: 1 } }, expected: { chat_template_kwargs: { enable_thinking: false, x: 1 } }, changes: [] },
    { name: 'another one', family: FAMILIES.kimi, given: off, expected: kimiOff, changes: ['chat_template_kwargs.enable_thinking renamed'] },
    { name: 'both', family: FAMILIES.kimi, given: { chat_template_kwargs: { enable_thinking: false, thinking: false } }, expected: kimiOff, changes: ['chat_template_kwargs.thinking renamed', 'chat_template_kwargs.enable_thinking renamed'] },
    { name: 'of a model that takes an effort alone', family: FAMILIES['deepseek-v4'], given: off, expected: { reasoning_effort: 'none' }, changes: ['chat_template_kwargs.enable_thinking renamed'] },
    { name: 'of a model that always thinks', family: FAMILIES['gpt-oss'], given: off, expected: { reasoning_effort: 'low' }, changes: ['chat_template_kwargs.enable_thinking clamped'] },
    { name: 'on, of a model that always thinks', family: FAMILIES['gpt-oss'], given: on, expected: {}, changes: [] },
    { name: 'another variable, of a model that takes none', family: FAMILIES['gpt-oss'], given: { chat_template_kwargs: { x: 1 } }, expected: {}, changes: ['chat_template_kwargs dropped'] }
  ]
  for (const { name, family, given, expected, changes } of cases) {
    const told = translated(undefined, family, given)
    t.strictSame(told.native, expected, name)
    t.strictSame(told.changes.map(({ param, action }) => `${param} ${action}`), changes, `${name} (changes)`)
  }
  t.end()
})

t.test('thinking is turned on in the words of a model', t => {
  const cases: Array<{ family: FamilyName, expected: object, changes: string[] }> = [
    { family: 'openai', expected: {}, changes: ['enable_thinking renamed'] },
    { family: 'gemma-4', expected: { reasoning_effort: 'high' }, changes: ['enable_thinking renamed', 'enable_thinking clamped'] },
    { family: 'deepseek-v4', expected: { reasoning_effort: 'high' }, changes: ['enable_thinking renamed', 'enable_thinking clamped'] },
    { family: 'classic', expected: {}, changes: ['enable_thinking renamed'] }
  ]
  for (const { family, expected, changes } of cases) {
    const told = translated(undefined, FAMILIES[family], { enable_thinking: true })
    t.strictSame(told.native, expected, family)
    t.strictSame(told.changes.map(({ param, action }) => `${param} ${action}`), changes, `${family} (changes)`)
  }
  t.end()
})
