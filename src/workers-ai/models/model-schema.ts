import { isObject } from '../../json/is-object.ts'
import type { FamilyName } from './family.ts'

/** The deepest nesting of branches that is read; Cloudflare's schemas have three levels. */
const MAX_DEPTH = 8

/**
 * The family of a model by the JSON Schema of its input, which `/ai/models/schema` returns under `result.input`.
 *
 * A generation of models is recognized by members that no other one takes. Text parts alone decide nothing, because those
 * models also take plain text. The batch form decides nothing either: its ranges are those of 2023 for every model.
 * Source: the schemas of Cloudflare's model documentation.
 *
 * @returns undefined if it is not a schema of a chat model
 */
export function toFamilyName (schema: unknown): FamilyName | undefined {
  const takes = (name: string) => propertiesOf(schema, name).length > 0
  if (takes('input') && takes('reasoning')) return 'gpt-oss'
  if (!takes('messages')) return undefined
  if (takes('max_completion_tokens')) return isSwitchedByThinking(schema) ? 'kimi' : 'openai'
  if (takes('guided_json')) return 'guided'
  if (takesImages(schema)) return 'vision'
  return isTopPAboveZero(schema) ? 'classic-2025' : 'classic'
}

function isSwitchedByThinking (schema: unknown): boolean {
  return propertiesOf(schema, 'chat_template_kwargs').some(kwargs => propertiesOf(kwargs, 'thinking').length > 0)
}

function takesImages (schema: unknown): boolean {
  const contents = propertiesOf(schema, 'messages').flatMap(itemsOf).flatMap(message => propertiesOf(message, 'content'))
  return contents.flatMap(content => [content, ...itemsOf(content)]).some(part => propertiesOf(part, 'image_url').length > 0)
}

function isTopPAboveZero (schema: unknown): boolean {
  return propertiesOf(schema, 'top_p').flatMap(topP => branchesOf(topP)).some(({ minimum }) => typeof minimum === 'number' && minimum > 0)
}

/** The schemas of a property, one for each branch that has it. */
function propertiesOf (schema: unknown, name: string): unknown[] {
  return branchesOf(schema).flatMap(({ properties }) => isObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [])
}

function itemsOf (schema: unknown): unknown[] {
  return branchesOf(schema).flatMap(({ items }) => items === undefined ? [] : [items])
}

/** A schema and all its alternatives. */
function branchesOf (schema: unknown, depth = 0): Array<Record<string, unknown>> {
  if (!isObject(schema) || depth > MAX_DEPTH) return []
  const branches = [schema['oneOf'], schema['anyOf'], schema['allOf']].flatMap(list => Array.isArray(list) ? list : [])
  return [schema, ...branches.flatMap(branch => branchesOf(branch, depth + 1))]
}
