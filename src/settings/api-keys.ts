import type { ApiKey } from './schema.ts'

/** `name:key`, the name of letters, digits, `.`, `_` and `-`; anything else is a key as it stands. */
export function toApiKey (text: string): ApiKey {
  const [, name, key] = /^([\w.-]{1,64}):(.+)$/.exec(text) ?? []
  return name === undefined || key === undefined ? { key: text } : { key, name }
}
