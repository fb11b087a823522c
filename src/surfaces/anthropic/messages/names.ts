import type { MessagePlaces } from './conversation.ts'

/** The Messages request that was translated. */
export interface RequestSource {
  /** Where each message of the translation stands in it. */
  places: readonly MessagePlaces[]
  /** Where each tool stands, by name. */
  tools: ReadonlyMap<string, string>
  /** The member that names the format of the answer: there are two. */
  format: 'output_config.format' | 'output_format'
  /** The member that says how much to think. */
  thinking: 'output_config.effort' | 'thinking'
}

/** What the Messages API calls the places of a request. */
const NAMES: ReadonlyArray<[RegExp, string]> = [
  [/^max_(?:completion_)?tokens$/, 'max_tokens'],
  [/^stop$/, 'stop_sequences'],
  [/^parallel_tool_calls$/, 'tool_choice.disable_parallel_tool_use'],
  [/^tool_calls\[(\d+)\]\.function\.arguments/, 'content.$1.input'],
  [/^tool_calls\b/, 'content'],
  [/^prompt_cache_key$/, 'metadata.user_id']
]

/** Members of a part or a call, and what the Messages API calls them. */
const MEMBERS: ReadonlyArray<[RegExp, string]> = [
  [/^\.image_url(?:\.url)?$/, '.source'],
  [/^\.file(?:\.\w+)?$/, '.source'],
  [/^\.function\.arguments\b/, '.input'],
  [/^\.function\b/, '']
]

/** The caller's name for a place of a request, as Anthropic's errors write it: `messages.0.content.1`. */
export function toCallerName (place: string, source: RequestSource): string {
  const [message, index, rest = ''] = /^messages\[(\d+)\](.*)$/.exec(place) ?? []
  if (message !== undefined) return toMessagePlace(source.places[Number(index)], rest)
  const [tool, name = '', member = ''] = /^tools\.([\w-]+)\.parameters(.*)$/.exec(place) ?? []
  if (tool !== undefined) return `${source.tools.get(name) ?? 'tools'}.input_schema${toDotted(member)}`
  if (/^response_format\b/.test(place)) return place.replace(/^response_format(?:\.json_schema)?/, source.format)
  if (place === 'reasoning_effort') return source.thinking
  const [pattern, named] = NAMES.find(([pattern]) => pattern.test(place)) ?? []
  return toDotted(pattern === undefined || named === undefined ? place : place.replace(pattern, named))
}

function toMessagePlace (places: MessagePlaces | undefined, rest: string): string {
  if (places === undefined) return 'messages'
  const [part, index, member = ''] = /^\.(?:content|tool_calls)\[(\d+)\](.*)$/.exec(rest) ?? []
  const known = rest.startsWith('.tool_calls') ? places.calls : places.parts
  const place = part === undefined ? undefined : known?.[Number(index)]
  return place === undefined ? places.message : place + toMember(member)
}

function toMember (member: string): string {
  const [pattern, name] = MEMBERS.find(([pattern]) => pattern.test(member)) ?? []
  return toDotted(pattern === undefined || name === undefined ? member : member.replace(pattern, name))
}

/** `a[0].b` → `a.0.b`. */
function toDotted (path: string): string {
  return path.replaceAll(/\[(\d+)\]/g, '.$1')
}
