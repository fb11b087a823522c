/** What the Responses API calls the places of a request. */
const NAMES: ReadonlyArray<[RegExp, string]> = [
  [/^messages\b/, 'input'],
  [/^response_format(\.json_schema)?\b/, 'text.format'],
  [/^reasoning_effort$/, 'reasoning.effort'],
  [/^verbosity$/, 'text.verbosity'],
  [/^(top_)?logprobs$/, 'include']
]

/** The limit of an answer, by the name that counts first. */
const LIMITS = ['max_output_tokens', 'max_completion_tokens', 'max_tokens'] as const

/** The Responses request that was translated. */
export interface RequestSource {
  /** Where each message stands in it. */
  places: readonly string[]
  /** Where the calls of each message stand. */
  callPlaces?: ReadonlyArray<readonly string[] | undefined>
  /** Its body: a member that the caller sent is called as the caller called it. */
  sent: object
}

/**
 * The caller's name for a place of a request. What the caller sent itself is called as it was sent: changes of this surface's
 * own name it so already.
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
 * Below a message only its content has the same place in an item; members of parts are named without a nest. What came
 * from elsewhere than an item of the caller's has no parts that it could count.
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
