import type { Change } from '../generation/change.ts'
import type { Batch, Stage } from '../generation/event.ts'

/** Separators between the parts of a name. */
const SEPARATORS = ['_', '-', '.', ':', '/']

/** Restores the names of offered tools that the model decorated or shortened. */
export class ToolNames implements Stage {
  #offered: ReadonlyMap<string, unknown>
  #changes: Change[]

  /** @param offered the tools that were offered, by name */
  constructor (offered: ReadonlyMap<string, unknown>, changes: Change[]) {
    this.#offered = offered
    this.#changes = changes
  }

  push (batch: Batch): Batch {
    return batch.map(event => {
      if (event.type !== 'tool_call' || event.name === undefined || this.#offered.has(event.name)) return event
      const name = toOfferedName(event.name, [...this.#offered.keys()])
      if (name === undefined) return event
      this.#changes.push({ param: 'tool_calls', action: 'repaired', reason: 'the model called a tool by a name that differs from the offered one' })
      return { ...event, name }
    })
  }
}

/**
 * The tool that an unknown name means: the name without template tokens, namespace and number of the call
 * (`get_weather<|channel|>analysis`, `functions.get_weather:0`), or the only tool whose name ends with that after a separator
 * (`mcp_city_get_weather` for `get_weather`). All of these were observed on gpt-oss and kimi.
 */
export function toOfferedName (name: string, offered: readonly string[]): string | undefined {
  const [, recipient] = /\bto=([^\s<]+)/.exec(name) ?? []
  const plain = (recipient ?? name.replace(/[<(].*$/s, '')).trim().replace(/:\d+$/, '')
  if (plain === '') return undefined
  const bare = plain.split(/[.:/]/).at(-1) ?? ''
  const exact = [plain, bare].find(one => offered.includes(one))
  if (exact !== undefined || bare === '') return exact
  const [longer, ...others] = offered.filter(one => SEPARATORS.some(separator => one.endsWith(separator + bare)))
  return others.length === 0 ? longer : undefined
}
