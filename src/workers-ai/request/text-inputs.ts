import { InvalidRequestError } from '../../errors.ts'

/**
 * The texts of a `prompt` or an `input`, which may be one text or a list of them.
 * @param value a list is not empty, as the schemas of the requests demand
 * @param param the member's name, for the errors
 * @returns at least one text, none of them empty
 * @throws InvalidRequestError naming the text that is empty or none; lists of tokens are refused with a word of help
 */
export function toTexts (value: string | unknown[], param: string): [string, ...string[]] {
  if (!Array.isArray(value)) return [toText(value, param)]
  const [first, ...rest] = value
  if (typeof first === 'number' || Array.isArray(first)) {
    throw new InvalidRequestError(`Invalid '${param}': token arrays cannot be served, because the models of Workers AI have other tokens than OpenAI's. Send text${param === 'input' ? '; LangChain for Python does so with check_embedding_ctx_length=False' : ''}.`, { param, code: 'unsupported_value' })
  }
  return [toText(first, `${param}[0]`), ...rest.map((text, index) => toText(text, `${param}[${index + 1}]`))]
}

function toText (text: unknown, param: string): string {
  if (typeof text !== 'string') throw new InvalidRequestError(`Invalid type for '${param}': expected a string.`, { param, code: 'invalid_type' })
  if (text === '') throw new InvalidRequestError(`Invalid '${param}': empty string. Workers AI takes texts of at least one character.`, { param, code: 'empty_string' })
  return text
}
