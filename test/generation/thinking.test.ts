import t from 'tap'
import type { ThinkingWords } from '../../src/generation/request.ts'
import { EFFORTS, THINKING_WORDS } from '../../src/generation/thinking.ts'

const each: Record<keyof ThinkingWords, true> = { reasoning_effort: true, reasoning: true, include_reasoning: true, thinking: true, enable_thinking: true, thinking_budget: true, chat_template_kwargs: true }
t.strictSame([...THINKING_WORDS], Object.keys(each), 'all that a request may say')
t.ok(EFFORTS.indexOf('none') < EFFORTS.indexOf('low') && EFFORTS.indexOf('low') < EFFORTS.indexOf('max'), 'from none to most')
