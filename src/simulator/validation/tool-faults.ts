import type { Model } from '../../workers-ai/models/model.ts'
import type { Dialect } from '../native/dialect.ts'
import { NativeError, toVllmRefusal } from '../errors.ts'
import { isObject, mismatch, required, type Fields } from './fault.ts'
import type { RunBody } from '../run-body.ts'

/** What the model's schema has against the tools of a body, in the validator's words. */
export function findToolFaults (fields: Fields, { family }: Model, { strictTools }: Dialect): string[] {
  const { tools } = fields as { tools?: unknown }
  if (tools === undefined || (tools === null && family.toolChoice)) return []
  if (!Array.isArray(tools)) return [mismatch('/tools', tools, ['array'])]
  return tools.flatMap((tool: unknown, index) => findToolFault(tool, `/tools/${index}`, strictTools))
}

function findToolFault (tool: unknown, path: string, strictTools: boolean): string[] {
  if (!isObject(tool)) return [mismatch(path, tool, ['object'])]
  const { type = 'function', function: wrapped, name } = tool as { type?: unknown, function?: { name?: unknown }, name?: unknown }
  if (strictTools && type !== 'function' && type !== 'custom') return [`enum function not in custom at '${path}/type'`]
  if (wrapped === undefined) return strictTools || isName(name) ? [] : [required(path, 'name', 'description', 'parameters')]
  if (!isObject(wrapped)) return [mismatch(`${path}/function`, wrapped, ['object'])]
  return isName(wrapped.name) ? [] : [required(`${path}/function`, 'name')]
}

function isName (name: unknown): boolean {
  return typeof name === 'string' && name !== ''
}

/** Throws 8001 or 8007 for tools and choices that the schema lets pass and the server of a strict model does not. */
export function refuseTools ({ tools, tool_choice: choice }: RunBody): void {
  if (tools?.length === 0) throw toVllmRefusal("[] is too short - 'tools'")
  for (const tool of tools ?? []) {
    const isFlat = !('function' in tool) && (tool as { type?: string }).type !== 'custom'
    if (isFlat || /"description":(?:false|null)|"propertyNames":/.test(JSON.stringify(tool))) throw new NativeError(8001)
  }
  const isNamed = typeof choice === 'object' && isName(choice?.function?.name)
  if (choice != null && !isNamed && !['none', 'auto', 'required'].includes(choice as string)) throw new NativeError(8001)
}
