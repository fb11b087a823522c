import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import type { ChatCompletionRequest } from '../../src/openai/chat-completion-request.ts'
import { toReasoning } from '../../src/translate/reasoning.ts'
import { FAMILIES, toRecord, type Family, type FamilyName } from '../../src/workers-ai/family.ts'

function translated (effort: string | null | undefined, family: Family, more: object = {}): { native: Record<string, unknown>, changes: Change[] } {
  const changes: Change[] = []
  const request = { model: 'm', messages: [], ...(effort !== undefined && { reasoning_effort: effort }), ...more } as unknown as ChatCompletionRequest
  return { native: toReasoning(request, family, changes), changes }
}

/** What is sent, in short, and what becomes of the parameter. */
function tell (effort: string, family: Family): string {
  const { native, changes } = translated(effort, family)
  return [JSON.stringify(native), ...changes.map(({ param, action, to }) => `${param} ${action}${to === undefined ? '' : ` to ${String(to)}`}`)].join(' ')
}

const CANNOT = '{} reasoning_effort dropped'
const OPENAI_OFF = '{"chat_template_kwargs":{"enable_thinking":false}} reasoning_effort renamed to chat_template_kwargs.enable_thinking=false'

t.test('each family hears the effort in its own words', t => {
  const openai = {
    none: OPENAI_OFF,
    minimal: OPENAI_OFF,
    low: '{"reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":true}}',
    medium: '{"reasoning_effort":"medium","chat_template_kwargs":{"enable_thinking":true}}',
    high: '{"reasoning_effort":"high","chat_template_kwargs":{"enable_thinking":true}}',
    xhigh: '{"reasoning_effort":"high","chat_template_kwargs":{"enable_thinking":true}} reasoning_effort clamped to high',
    max: '{"reasoning_effort":"high","chat_template_kwargs":{"enable_thinking":true}} reasoning_effort clamped to high'
  }
  const kimi = Object.fromEntries(Object.entries(openai).map(([effort, told]) => [effort, told.replaceAll('enable_thinking', 'thinking')]))
  const qwen3 = {
    none: OPENAI_OFF,
    low: '{"chat_template_kwargs":{"enable_thinking":true}} reasoning_effort renamed to chat_template_kwargs.enable_thinking=true',
    high: '{"chat_template_kwargs":{"enable_thinking":true}} reasoning_effort renamed to chat_template_kwargs.enable_thinking=true'
  }
  const deepseek = Object.fromEntries(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'].map(effort =>
    [effort, JSON.stringify({ reasoning_effort: effort, chat_template_kwargs: { enable_thinking: effort !== 'none' && effort !== 'minimal' } })]))
  const gptOss = {
    none: '{"reasoning_effort":"low"} reasoning_effort clamped to low',
    minimal: '{"reasoning_effort":"low"} reasoning_effort clamped to low',
    medium: '{"reasoning_effort":"medium"}',
    max: '{"reasoning_effort":"high"} reasoning_effort clamped to high'
  }
  const cannot = { none: CANNOT, medium: CANNOT, max: CANNOT }
  const cases: Array<{ family: FamilyName, expected: Record<string, string> }> = [
    { family: 'openai', expected: openai },
    { family: 'gemma-4', expected: openai },
    { family: 'qwen3.8', expected: openai },
    { family: 'kimi', expected: kimi },
    { family: 'qwen3', expected: qwen3 },
    { family: 'deepseek-v4', expected: deepseek },
    { family: 'gpt-oss', expected: gptOss },
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

t.test('a model that cannot be told says why', t => {
  const reasons = [
    { name: 'it does not think', family: FAMILIES.classic, expected: 'this model does not think' },
    { name: 'it thinks as it likes', family: FAMILIES.qwq, expected: 'this model cannot be told how much to think' },
    { name: 'its family thinks, but not this model', family: toRecord(FAMILIES.openai, { tools: true, reasoning: false, json: true }), expected: 'this model cannot be told how much to think' }
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
  const cases = [
    { name: 'over the switch', given: { enable_thinking: false }, expected: { enable_thinking: false } },
    { name: 'beside the switch', given: { clear_thinking: true }, expected: { enable_thinking: true, clear_thinking: true } },
    { name: 'when it says nothing', given: null, expected: { enable_thinking: true } }
  ]
  for (const { name, given, expected } of cases) {
    t.strictSame(translated('high', FAMILIES.openai, { chat_template_kwargs: given }).native, { reasoning_effort: 'high', chat_template_kwargs: expected }, name)
  }
  t.end()
})
