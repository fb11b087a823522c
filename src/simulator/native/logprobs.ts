import type { Rendering } from './rendering.ts'

interface Likely {
  token: string
  logprob: number
  bytes: number[]
}

/** Tokens that were less likely than the one that was said. */
const OTHERS = [' the', ' a', ' and', ' of', ' to', ' in', ' is', ' it', ' that', ' for', ' on', ' with', ' as', ' was', ' at', ' by', ' be', ' this', ' or', ' from']

/**
 * The logprobs of tokens as vLLM writes them: a list for a chat, lists side by side for a prompt. The same token is always as
 * likely.
 * @returns null where none are asked for
 */
export function toLogprobs (tokens: readonly string[], { topLogprobs, form }: Pick<Rendering, 'topLogprobs' | 'form'>): object | null {
  if (topLogprobs === undefined) return null
  const content = tokens.map(token => ({ ...toLikely(token, toLogprob(token)), top_logprobs: toTop(token, topLogprobs) }))
  if (form !== 'prompt') return { content }
  let offset = 0
  return {
    text_offset: tokens.map(({ length }) => (offset += length) - length),
    token_logprobs: content.map(({ logprob }) => logprob),
    tokens,
    top_logprobs: content.map(({ top_logprobs: top }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])))
  }
}

function toTop (token: string, count: number): Likely[] {
  const logprob = toLogprob(token)
  const others = OTHERS.filter(other => other !== token).map((other, index) => toLikely(other, round(logprob - 2 - index / 2)))
  return [toLikely(token, logprob), ...others].slice(0, count)
}

function toLikely (token: string, logprob: number): Likely {
  return { token, logprob, bytes: [...Buffer.from(token)] }
}

/** Between -0.01 and -1, by the token's letters. */
function toLogprob (token: string): number {
  const sum = [...token].reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0)
  return round(-0.01 - sum % 100 / 101)
}

function round (logprob: number): number {
  return Number(logprob.toFixed(6))
}
