import type { RunRequest } from './run-request.ts'

/** What the native bodies of a request ask for, without what was said; a member is absent where a body does not have it. */
export function toAskedParameters ({ fields, seed, stop, choices, maxTokens, format }: RunRequest, isStreamed: boolean) {
  const temperature = numberIn(fields, 'temperature')
  const topP = numberIn(fields, 'top_p')
  const topK = numberIn(fields, 'top_k')
  const frequencyPenalty = numberIn(fields, 'frequency_penalty')
  const presencePenalty = numberIn(fields, 'presence_penalty')
  return {
    stream: isStreamed,
    choices,
    maxTokens,
    isJson: format !== undefined,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(frequencyPenalty !== undefined && { frequencyPenalty }),
    ...(presencePenalty !== undefined && { presencePenalty }),
    ...(seed !== undefined && { seed }),
    ...(stop.length > 0 && { stop })
  }
}

function numberIn (fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = fields[name]
  return typeof value === 'number' ? value : undefined
}
