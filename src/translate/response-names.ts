import { ProxyError } from '../errors.ts'

/** What the Responses API calls the parameters of a chat. */
const NAMES: ReadonlyArray<[RegExp, string]> = [
  [/^messages\b/, 'input'],
  [/^max_(completion_)?tokens$/, 'max_output_tokens'],
  [/^response_format(\.json_schema)?\b/, 'text.format'],
  [/^reasoning_effort$/, 'reasoning.effort'],
  [/^verbosity$/, 'text.verbosity'],
  [/^(top_)?logprobs$/, 'include']
]

/**
 * The name a parameter of a chat has in the Responses request the chat was made of.
 * @param places where each message of the chat stands in that request
 */
export function toResponseParam (param: string, places: readonly string[]): string {
  const [message, index, rest = ''] = /^messages\[(\d+)\](.*)$/.exec(param) ?? []
  if (message !== undefined) return (places[Number(index)] ?? 'input') + toMember(rest)
  const [pattern, name] = NAMES.find(([pattern]) => pattern.test(param)) ?? []
  return pattern === undefined || name === undefined ? param : param.replace(pattern, name)
}

/** An error as a caller of the Responses API may read it; whatever is not meant for callers stays as it is. */
export function toResponseError (error: unknown, places: readonly string[]): unknown {
  if (!(error instanceof ProxyError) || error.param === null) return error
  const param = toResponseParam(error.param, places)
  if (param === error.param) return error
  const message = error.message.replaceAll(`'${error.param}'`, `'${param}'`).replaceAll('response_format', 'text.format')
  const { status, type, code, headers, cause } = error
  return new ProxyError(message, { status, type, code, param, headers, cause })
}

/** Below a message only its parts have the same place in an item; their members are named without a nest. */
function toMember (rest: string): string {
  const [, part = '', member = ''] = /^(\.content\[\d+\])?(?:\.(?:image_url|file))?(\.\w+)?/.exec(rest) ?? []
  if (part === '') return ''
  return part + (member === '.url' ? '.image_url' : member)
}
