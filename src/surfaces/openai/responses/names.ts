/** The Responses API's names for the places of a request. */
const NAMES: ReadonlyArray<[RegExp, string]> = [
  [/^messages\b/, 'input'],
  [/^response_format(\.json_schema)?\b/, 'text.format'],
  [/^reasoning_effort$/, 'reasoning.effort'],
  [/^verbosity$/, 'text.verbosity'],
  [/^(top_)?logprobs$/, 'include']
]

/** Names of the answer's limit; the first one present counts. */
const LIMITS = ['max_output_tokens', 'max_completion_tokens', 'max_tokens'] as const

/** The Responses request that was translated. */
export interface RequestSource {
  /** The place of each message in it. */
  places: readonly string[]
  /** The places of the calls of each message. */
  callPlaces?: ReadonlyArray<readonly string[] | undefined>
  /** Its body: a member that the caller sent keeps the caller's name. */
  sent: object
}

/**
 * The caller's name for a place of a request. A member that the caller sent keeps its name; changes that this surface made
 * have that name already.
 */
export function toCallerName (param: string, { places, callPlaces = [], sent }: RequestSource): string {
  const isSent = (name: string) => (sent as Record<string, unknown>)[name] != null
  if (isSent(param)) return param
  if (/^max_(?:completion_)?tokens$/.test(param)) return LIMITS.find(isSent) ?? LIMITS[0]
  const [message, index, rest = ''] = /^messages\[(\d+)\](.*)$/.exec(param) ?? []
  const [call, place, member = ''] = /^\.tool_calls\[(\d+)\](?:\.function)?(\.\w+)?/.exec(rest) ?? []
  const item = call === undefined ? undefined : callPlaces[Number(index)]?.[Number(place)]
  if (item !== undefined) return item.endsWith(']') ? item + member : item
  if (message !== undefined) return toPlace(places[Number(index)] ?? 'input', rest)
  const [pattern, name] = NAMES.find(([pattern]) => pattern.test(param)) ?? []
  return pattern === undefined || name === undefined ? param : param.replace(pattern, name)
}

const OUTPUT = '.output'

/**
 * Below a message only its content has the same place in an item, and members of parts are not nested. A message that is not
 * from an item of the caller has no parts to count.
 * @param place of the item, or of its output
 */
function toPlace (place: string, rest: string): string {
  const isOutput = place.endsWith(OUTPUT)
  const item = isOutput ? place.slice(0, -OUTPUT.length) : place
  const [content, index = '', nested = '', member = ''] = /^\.content(\[\d+\])?(\.(?:image_url|file))?(\.\w+)?/.exec(rest) ?? []
  if (content === undefined || !item.endsWith(']')) return item
  const path = `${item}${isOutput ? OUTPUT : '.content'}${index}`
  return path + (nested === '.image_url' ? '.image_url' : member)
}
