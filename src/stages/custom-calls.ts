import type { Batch, Stage, ToolCallEvent } from '../generation/event.ts'
import { inputOf } from '../generation/text-tool.ts'
import { parseModelJson } from '../json/lenient-json.ts'
import type { WorkBudget } from '../json/work-budget.ts'

/** Holds the calls of custom tools until they are complete, and emits their input in place of arguments. */
export class CustomCalls implements Stage {
  #customTools: ReadonlySet<string>
  #workBudget: WorkBudget
  #open: ToolCallEvent[] = []

  /** @param customTools names of the functions that replace custom tools */
  constructor (customTools: ReadonlySet<string>, workBudget: WorkBudget) {
    this.#customTools = customTools
    this.#workBudget = workBudget
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'tool_call') {
        const open = this.#open.find(({ index }) => index === event.index)
        if (open) open.arguments += event.arguments
        else if (event.name !== undefined && this.#customTools.has(event.name)) this.#open.push({ ...event, isCustom: true })
        else out.push(event)
        continue
      }
      if (event.type === 'finish') {
        for (const call of this.#open) out.push({ ...call, arguments: toCustomInput(call.arguments, this.#workBudget) })
        this.#open = []
      }
      out.push(event)
    }
    return out
  }
}

/** The input of a custom tool's call, from the arguments of the function that replaces it; other text is the input itself. */
export function toCustomInput (args: string, workBudget: WorkBudget): string {
  return inputOf(parseModelJson(args, workBudget)) ?? args
}
