import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { ThinkingWords } from '../../../src/generation/request.ts'
import { toAskedThinking, type AskedThinking } from '../../../src/workers-ai/request/asked-thinking.ts'

function asked (words: ThinkingWords): AskedThinking & { changes: string[] } {
  const changes: Change[] = []
  return { ...toAskedThinking(words, changes), changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('every server\'s words for thinking are understood', t => {
  const cases: Array<{ given: ThinkingWords, effort: string | undefined, changes?: string[] }> = [
    { given: {}, effort: undefined },
    { given: { reasoning: null, thinking: null, enable_thinking: null, chat_template_kwargs: null }, effort: undefined },
    { given: { reasoning_effort: 'max' }, effort: 'max' },
    { given: { reasoning: { effort: 'low' } }, effort: 'low', changes: ['reasoning.effort renamed'] },
    { given: { reasoning: { enabled: false } }, effort: 'none', changes: ['reasoning.enabled renamed'] },
    { given: { reasoning: { enabled: true } }, effort: 'on', changes: ['reasoning.enabled renamed'] },
    { given: { reasoning: { enabled: true, effort: 'high' } }, effort: 'high', changes: ['reasoning.effort renamed', 'reasoning.enabled renamed'] },
    { given: { reasoning: { enabled: false, effort: 'high' } }, effort: 'none', changes: ['reasoning.enabled renamed', 'reasoning.effort dropped'] },
    { given: { reasoning: { max_tokens: 1_000 } }, effort: 'low', changes: ['reasoning.max_tokens renamed'] },
    { given: { reasoning: { max_tokens: 4_000 } }, effort: 'medium', changes: ['reasoning.max_tokens renamed'] },
    { given: { reasoning: { max_tokens: 32_000 } }, effort: 'high', changes: ['reasoning.max_tokens renamed'] },
    { given: { reasoning: { max_tokens: 0 } }, effort: 'none', changes: ['reasoning.max_tokens renamed'] },
    { given: { reasoning: { effort: 'much' } }, effort: undefined, changes: ['reasoning.effort dropped'] },
    { given: { reasoning: { mode: 1 } }, effort: undefined, changes: ['reasoning.mode dropped'] },
    { given: { reasoning: 'low' }, effort: undefined, changes: ['reasoning dropped'] },
    { given: { thinking: { type: 'disabled' } }, effort: 'none', changes: ['thinking renamed'] },
    { given: { thinking: { type: 'enabled' } }, effort: 'on', changes: ['thinking renamed'] },
    { given: { thinking: { type: 'adaptive' } }, effort: 'on', changes: ['thinking renamed'] },
    { given: { thinking: { type: 'enabled', budget_tokens: 16_000 } }, effort: 'high', changes: ['thinking renamed'] },
    { given: { thinking: false }, effort: 'none', changes: ['thinking renamed'] },
    { given: { thinking: 'no' }, effort: undefined, changes: ['thinking dropped'] },
    { given: { enable_thinking: false }, effort: 'none', changes: ['enable_thinking renamed'] },
    { given: { enable_thinking: 'false' }, effort: undefined, changes: ['enable_thinking dropped'] },
    { given: { thinking_budget: -1 }, effort: 'on', changes: ['thinking_budget renamed'] },
    { given: { enable_thinking: true, thinking_budget: 500 }, effort: 'low', changes: ['enable_thinking renamed', 'thinking_budget renamed'] },
    { given: { chat_template_kwargs: { enable_thinking: false } }, effort: 'none' },
    { given: { chat_template_kwargs: { thinking: true } }, effort: 'on' },
    { given: { chat_template_kwargs: { enable_thinking: 'no' } }, effort: undefined },
    { given: { reasoning_effort: 'low', thinking: { type: 'disabled' } }, effort: 'low', changes: ['thinking dropped'] },
    { given: { reasoning_effort: 'low', thinking: { type: 'enabled' } }, effort: 'low', changes: ['thinking renamed'] }
  ]
  for (const { given, effort, changes = [] } of cases) {
    const told = asked(given)
    t.equal(told.effort, effort, JSON.stringify(given))
    t.strictSame(told.changes, changes, `${JSON.stringify(given)} (changes)`)
  }
  t.end()
})

t.test('thinking may be hidden', t => {
  t.match(asked({ reasoning: { exclude: true } }), { isHidden: true, effort: undefined, changes: ['reasoning.exclude emulated'] })
  t.match(asked({ include_reasoning: false }), { isHidden: true, changes: ['include_reasoning emulated'] })
  t.match(asked({ reasoning: { exclude: false }, include_reasoning: true }), { isHidden: false, changes: [] })
  t.end()
})

t.test('other variables of a template stay', t => {
  t.strictSame(asked({ chat_template_kwargs: { thinking: false, clear_thinking: true, enable_thinking: 'no' } }).kwargs, { clear_thinking: true, enable_thinking: 'no' })
  t.end()
})
