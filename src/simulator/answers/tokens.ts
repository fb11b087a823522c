const PIECE = /\p{Nd}{1,3}| ?\p{L}{1,6}| ?[^\s\p{L}\p{Nd}]{1,3}|\s/gu

/**
 * Splits a text into word pieces as tokenizers do: a word with the space before it, long words in pieces of six letters,
 * digits in groups of up to three. The joined pieces are the text.
 */
export function toTokens (text: string): string[] {
  return text.match(PIECE) ?? []
}

/** Cloudflare's estimate of the tokens of a prompt, made before a model runs: one per four characters, rounded up. */
export function estimateTokens (text: string): number {
  return Math.ceil(text.length / 4)
}
