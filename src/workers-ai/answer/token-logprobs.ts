import type { TokenLogprob } from '../../generation/event.ts'

/** Logprobs of a text completion: parallel lists. */
interface TextLogprobs {
  tokens?: unknown
  token_logprobs?: unknown
  top_logprobs?: unknown
}

/**
 * Reads `choices[].logprobs`: the list of a chat completion, or the lists of a text completion in vLLM's form.
 * @returns undefined if there are none
 */
export function toTokenLogprobs (native: unknown): TokenLogprob[] | undefined {
  if (typeof native !== 'object' || native === null) return undefined
  const { content } = native as { content?: unknown }
  const tokens = Array.isArray(content) ? content as TokenLogprob[] : fromLists(native)
  return tokens.length > 0 ? tokens : undefined
}

function fromLists ({ tokens, token_logprobs: logprobs, top_logprobs: tops }: TextLogprobs): TokenLogprob[] {
  if (!Array.isArray(tokens) || !Array.isArray(logprobs)) return []
  return tokens.flatMap((token: unknown, index) => {
    const logprob: unknown = logprobs[index]
    // The first token of a prompt has none, because it has no predecessor.
    if (typeof token !== 'string' || typeof logprob !== 'number') return []
    return [{ token, logprob, bytes: null, top_logprobs: toTop(Array.isArray(tops) ? tops[index] : undefined) }]
  })
}

function toTop (top: unknown): TokenLogprob['top_logprobs'] {
  return Object.entries(typeof top === 'object' && top !== null ? top : {})
    .flatMap(([token, logprob]: [string, unknown]) => typeof logprob === 'number' ? [{ token, logprob, bytes: null }] : [])
}
