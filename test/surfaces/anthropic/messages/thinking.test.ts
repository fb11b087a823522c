import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import { toAskedThinking } from '../../../../src/surfaces/anthropic/messages/thinking.ts'

const turns = (...efforts: Array<string | null>) => efforts.map(effort => ({ role: 'user' as const, content: 'Hi', ...(effort !== null && { output_config: { effort } }) }))

for (const { name, given, words, display = 'shown', changes = [] } of [
  { name: 'nothing', given: {}, words: {} },
  { name: 'a small budget', given: { thinking: { type: 'enabled', budget_tokens: 1_024 } }, words: { reasoning_effort: 'low' }, changes: ['thinking.budget_tokens emulated'] },
  { name: 'a middling budget', given: { thinking: { type: 'enabled', budget_tokens: 4_096 } }, words: { reasoning_effort: 'medium' }, changes: ['thinking.budget_tokens emulated'] },
  { name: 'a large budget', given: { thinking: { type: 'enabled', budget_tokens: 31_999 } }, words: { reasoning_effort: 'high' }, changes: ['thinking.budget_tokens emulated'] },
  { name: 'a budget and an effort', given: { thinking: { type: 'enabled', budget_tokens: 31_999 }, output_config: { effort: 'low' } }, words: { reasoning_effort: 'low' }, changes: ['thinking.budget_tokens dropped'] },
  { name: 'as the model likes', given: { thinking: { type: 'adaptive' } }, words: { thinking: { type: 'adaptive' } } },
  { name: 'between tools', given: { thinking: { type: 'between_tools', display: 'summarized' } }, words: { thinking: { type: 'adaptive' } } },
  { name: 'with an effort', given: { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'xhigh' } }, words: { reasoning_effort: 'xhigh' }, display: 'omitted', changes: ['thinking.display emulated'] },
  { name: 'an effort alone', given: { output_config: { effort: 'max' } }, words: { reasoning_effort: 'max' } },
  { name: 'the effort of a later turn', given: { output_config: { effort: 'max' }, messages: turns('low', 'medium', null) }, words: { reasoning_effort: 'medium' } },
  { name: 'nothing wanted', given: { thinking: { type: 'disabled' } }, words: { reasoning_effort: 'none' }, display: 'none' },
  { name: 'nothing wanted, with an effort', given: { thinking: { type: 'disabled' }, output_config: { effort: 'high' } }, words: { reasoning_effort: 'none' }, display: 'none', changes: ['output_config.effort dropped'] },
  { name: 'a display nobody knows', given: { thinking: { type: 'adaptive', display: 'sung' } }, words: { thinking: { type: 'adaptive' } }, changes: ['thinking.display dropped'] }
]) {
  const told: Change[] = []
  t.strictSame(toAskedThinking({ messages: [], ...given } as never, told), { words, display }, name)
  t.strictSame(told.map(({ param, action }) => `${param} ${action}`), changes)
}
