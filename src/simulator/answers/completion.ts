import type { Answer } from './answer.ts'
import { toTokens } from './tokens.ts'

/** An answer as the tokens that fit the limit. */
export interface Completion {
  reasoning: string[]
  text: string[]
  calls: Array<{ name: string, arguments: string[] }>
  finish: 'stop' | 'length' | 'tool_calls'
  /** Tokens billed. */
  tokens: number
}

/**
 * Cuts an answer where the limit cuts it: thoughts use the limit up first, then the text, then the calls.
 * An answer that needs the limit to the last token ends with `length`, for its end was never said.
 */
export function toCompletion ({ reasoning, text, calls }: Answer, limit = Infinity): Completion {
  let tokens = 0
  let isCut = false
  function take (words: string): string[] {
    const wanted = toTokens(words)
    const taken = wanted.slice(0, limit - tokens)
    tokens += taken.length
    isCut ||= taken.length < wanted.length
    return taken
  }

  const taken = {
    reasoning: take(reasoning),
    text: take(text),
    calls: calls.map(call => ({ name: take(call.name).join(''), arguments: take(call.arguments) }))
      .filter(({ name }, index) => name === calls[index]?.name)
  }
  const isAtLimit = tokens === limit && calls.length === 0
  const finish = isCut || isAtLimit ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop'
  return { ...taken, finish, tokens }
}
