/** OpenAI's efforts from none to most. */
export const EFFORTS: readonly unknown[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** The members of a request about thinking. */
export const THINKING_WORDS = ['reasoning_effort', 'reasoning', 'include_reasoning', 'thinking', 'enable_thinking', 'thinking_budget', 'chat_template_kwargs'] as const
