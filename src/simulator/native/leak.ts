import { toValue } from '../script/json.ts'

/** How a tool call may look that slipped into the text; `harmony` is the flat object of gpt-oss, `channel` its template's form. */
export const LEAK_FORMS = [
  'tool_call', 'json', 'llama', 'fence', 'python', 'python_tag', 'function_tag', 'array', 'harmony',
  'channel', 'kimi', 'gemma', 'glm', 'qwen_coder', 'mistral', 'deepseek', 'dsml'
] as const
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
    case 'channel': return `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${args}<|call|>`
    case 'kimi': return `<|tool_calls_section_begin|><|tool_call_begin|>functions.${name}:0<|tool_call_argument_begin|>${args}<|tool_call_end|><|tool_calls_section_end|>`
    case 'gemma': return `<|tool_call>call:${name}${toEntries(args) ? toGemma(toValue(args)) : args}<tool_call|>`
    case 'glm': return `<tool_call>${name}\n${toPairs(args, (key, value) => `<arg_key>${key}</arg_key>\n<arg_value>${value}</arg_value>`)}\n</tool_call>`
    case 'qwen_coder': return `<tool_call>\n<function=${name}>\n${toPairs(args, (key, value) => `<parameter=${key}>\n${value}\n</parameter>`)}\n</function>\n</tool_call>`
    case 'mistral': return `[TOOL_CALLS]${name}[ARGS]${args}</s>`
    case 'deepseek': return `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>${name}<｜tool▁sep｜>${args}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`
    case 'dsml': return `<｜DSML｜tool_calls>\n<｜DSML｜invoke name="${name}">\n${toPairs(args, (key, value, isText) => `<｜DSML｜parameter name="${key}" string="${isText}">${value}</｜DSML｜parameter>`)}\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>`
    case 'harmony': return `{${[`"name": ${called}`, ...toMembers(args)].join(', ')}}`
  }
}

function toMembers (args: string): string[] {
  return toEntries(args)?.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`) ?? [args]
}

function toKeywords (args: string): string {
  return toEntries(args)?.map(([key, value]) => `${key}=${toPython(value)}`).join(', ') ?? args
}

/** Each argument by itself, its text without quotes. */
function toPairs (args: string, write: (key: string, value: string, isText: boolean) => string): string {
  const isText = (value: unknown) => typeof value === 'string'
  return toEntries(args)?.map(([key, value]) => write(key, isText(value) ? value as string : JSON.stringify(value), isText(value))).join('\n') ?? args
}

/** A value in gemma's words: texts between its own marks, keys without any. */
function toGemma (value: unknown): string {
  if (typeof value === 'string') return `<|"|>${value}<|"|>`
  if (Array.isArray(value)) return `[${value.map(toGemma).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).map(([key, member]) => `${key}:${toGemma(member)}`).join(',')}}`
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
