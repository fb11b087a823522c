import t from 'tap'
import { toEnding } from '../../../../src/surfaces/anthropic/messages/ending.ts'

for (const [reason, isWindowFull, expected] of [
  ['stop', true, 'end_turn'], [null, false, 'end_turn'], ['tool_calls', false, 'tool_use'], ['length', false, 'max_tokens'], ['length', true, 'model_context_window_exceeded']
] as const) t.strictSame(toEnding({ type: 'finish', reason }, isWindowFull), { stop_reason: expected, stop_sequence: null }, String(reason))
t.strictSame(toEnding({ type: 'finish', reason: 'stop', stop: 'END' }, false), { stop_reason: 'stop_sequence', stop_sequence: 'END' })
t.strictSame(toEnding({ type: 'finish', reason: 'content_filter' }, false), { stop_reason: 'refusal', stop_sequence: null, stop_details: { type: 'refusal', category: null, explanation: null } })
