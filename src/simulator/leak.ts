import { toValue } from './json.ts'

/** How a tool call may look that slipped into the text; `harmony` is the flat object of gpt-oss. */
export const LEAK_FORMS = ['tool_call', 'json', 'llama', 'fence', 'python', 'python_tag', 'function_tag', 'array', 'harmony'] as const
export type LeakForm = typeof LEAK_FORMS[number]

/**
 * A tool call as models write it into their text. Source: texts observed where calls were expected, and the chat
 * templates of the models.
 * @param args JSON text, or whatever a script put in its place
 */
export function toLeak (form: LeakForm, name: string, args: string): string {
  const called = JSON.stringify(name)
  const json = `{"name": ${called}, "arguments": ${args}}`
  switch (form) {
    case 'tool_call': return `<tool_call>\n${json}\n</tool_call>`
    case 'json': return json
    case 'llama': return `{"type": "function", "name": ${called}, "parameters": ${args}}`
    case 'fence': return `\`\`\`json\n${json}\n\`\`\``
    case 'python': return `[${name}(${toKeywords(args)})]`
    case 'python_tag': return `<|python_tag|>${name}.call(${toKeywords(args)})<|eom_id|>`
    case 'function_tag': return `<function=${name}>${args}</function>`
    case 'array': return `[{"name": ${called}, "parameters": ${args}}]`
    case 'harmony': return `{${[`"name": ${called}`, ...toMembers(args)].join(', ')}}`
  }
}

function toMembers (args: string): string[] {
  return toEntries(args)?.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`) ?? [args]
}

function toKeywords (args: string): string {
  return toEntries(args)?.map(([key, value]) => `${key}=${toPython(value)}`).join(', ') ?? args
}

/** Undefined for arguments that are no JSON object. */
function toEntries (args: string): Array<[string, unknown]> | undefined {
  const value = toValue(args)
  return typeof value === 'object' && value !== null ? Object.entries(value) : undefined
}

function toPython (value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return JSON.stringify(value)
}
