import type { RequestRecord } from '../server/request-record.ts'
import { toCount, toDuration, toNeurons } from '../text/figures.ts'
import type { Answer } from './answer.ts'

/** How the answer goes, or how it ended where that is worth a word. */
export function toStateText ({ state, finishReason, thinking, content }: Pick<Answer, 'state' | 'finishReason' | 'thinking' | 'content'>): string {
  switch (state) {
    case 'waiting': return 'Waiting for the first token'
    case 'growing': return thinking !== '' && content === '' ? 'Thinking' : 'Answering'
    case 'stopped': return 'Stopped'
    case 'failed': return ''
    case 'done': return finishReason === 'length' ? 'Cut off by the limit of tokens' : finishReason === 'content_filter' ? 'Ended by a filter' : ''
  }
}

/**
 * What the answer took, each as a short text.
 * @param record the server's, which has the neurons; it comes a moment after the answer
 */
export function toFacts (answer: Pick<Answer, 'servedModel' | 'usage' | 'firstTokenMs' | 'durationMs'>, record: RequestRecord | undefined): string[] {
  const { servedModel, usage, firstTokenMs, durationMs } = answer
  const input = usage?.prompt_tokens ?? record?.input_tokens
  const output = usage?.completion_tokens ?? record?.output_tokens
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0
  const thought = usage?.completion_tokens_details?.reasoning_tokens ?? 0
  const neurons = record?.neurons
  return [
    ...servedModel === undefined ? [] : [`answered by ${servedModel}`],
    ...input == null ? [] : [`${toCount(input)} tokens in${cached > 0 ? ` (${toCount(cached)} cached)` : ''}`],
    ...output == null ? [] : [`${toCount(output)} out${thought > 0 ? ` (${toCount(thought)} thinking)` : ''}`],
    ...neurons == null ? [] : [`${toNeurons(neurons)} neurons`],
    ...firstTokenMs === undefined ? [] : [`first token ${toDuration(firstTokenMs)}`],
    ...durationMs === undefined ? [] : [`${toDuration(durationMs)} in all`]
  ]
}
