const PIECE = /\p{Nd}{1,3}| ?\p{L}{1,6}| ?[^\s\p{L}\p{Nd}]{1,3}|\s/gu

/**
 * Cuts a text into word pieces the way tokenisers do: a word with the space before it, long words in pieces of six letters,
 * digits in groups of up to three. The pieces put together are the text again.
 */
export function toTokens (text: string): string[] {
  return text.match(PIECE) ?? []
}

/** The tokens of a prompt as Cloudflare guesses them at the door: one for every four characters, rounded up. */
export function estimateTokens (text: string): number {
  return Math.ceil(text.length / 4)
}
