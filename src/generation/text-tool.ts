import type { Change } from './change.ts'
import type { FunctionTool, Place } from './request.ts'

/** The only argument of a function that replaces a tool with free text as input. */
const INPUT = 'input'

/** A tool whose input is free text. */
export interface TextTool {
  name: string
  description?: string | null | undefined
  /** The grammar of its input. */
  grammar?: { syntax?: string | null | undefined, definition: string } | undefined
}

/** A function with one text argument. Its description contains the grammar; nothing forces the model to follow it. */
export function toTextFunction ({ name, description, grammar }: TextTool, place: Place, changes: Change[]): FunctionTool {
  changes.push({ param: place, action: 'emulated', reason: 'Workers AI has no custom tools; this one becomes a function with one text argument' })
  if (grammar !== undefined) changes.push({ param: `${place}.format`, action: 'emulated', reason: 'the prompt describes the grammar; it is not enforced' })
  const told = grammar === undefined ? [] : [`The input must match this ${grammar.syntax ?? ''} grammar:\n${grammar.definition}`]
  return {
    type: 'function',
    function: {
      name,
      description: [description ?? '', ...told].filter(text => text !== '').join('\n\n'),
      parameters: {
        type: 'object',
        properties: { [INPUT]: { type: 'string', description: 'The input of the tool, as it is.' } },
        required: [INPUT],
        additionalProperties: false
      }
    }
  }
}

/** The arguments of the function that replaces such a tool. */
export function toTextArguments (input: string): string {
  return JSON.stringify({ [INPUT]: input })
}

/** The input in the arguments of the function that replaces such a tool; undefined for other arguments. */
export function inputOf (args: unknown): string | undefined {
  const input = typeof args === 'object' && args !== null ? (args as Record<string, unknown>)[INPUT] : undefined
  return typeof input === 'string' ? input : undefined
}
