import t from 'tap'
import type { FinishReason } from '../../../../src/generation/event.ts'
import type { ResponseRequest } from '../../../../src/surfaces/openai/responses/request.ts'
import { OutputItems } from '../../../../src/surfaces/openai/responses/output-items.ts'
import { toServedTools } from '../../../../src/surfaces/openai/responses/tools.ts'
import { toBegunResponse, toCompactedResponse, toEndedResponse, toFailedResponse } from '../../../../src/surfaces/openai/responses/fold.ts'
import { faultsOf } from '../../../openai-schemas.ts'

const identity = { id: 'resp_1', createdAt: 1_000 }

function fold (reason: FinishReason | undefined): OutputItems {
  const output = new OutputItems({ tools: toServedTools([], []), newItemId: prefix => `${prefix}1`, asSummary: false })
  output.push({ type: 'text', text: 'Hi' })
  if (reason === undefined) return output
  output.push({ type: 'usage', usage: { promptTokens: 3, completionTokens: 4, cachedTokens: 1, reasoningTokens: 2 } })
  output.push({ type: 'finish', reason })
  return output
}

t.test('a response that has begun has every key, with OpenAI\'s defaults', async t => {
  const begun = toBegunResponse({ model: 'm', input: 'x' }, identity)
  t.strictSame(begun, {
    id: 'resp_1',
    object: 'response',
    created_at: 1_000,
    completed_at: null,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    model: 'm',
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    service_tier: 'default',
    store: true,
    temperature: 1,
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: {}
  })
  t.strictSame(faultsOf('Response', begun), [])
})

t.test('the caller\'s parameters are told back', async t => {
  const request: ResponseRequest = {
    model: 'm',
    input: 'x',
    instructions: 'Be brief.',
    max_output_tokens: 100,
    max_tool_calls: 3,
    parallel_tool_calls: false,
    previous_response_id: 'resp_0',
    prompt_cache_key: 'k',
    reasoning: { effort: 'low', summary: 'auto' },
    safety_identifier: 's',
    store: false,
    temperature: 0,
    text: { format: { type: 'json_object' }, verbosity: 'low' },
    tool_choice: { type: 'function', name: 'f' },
    tools: [{ type: 'function', name: 'f', parameters: {} }, { type: 'function', name: 'g', parameters: {}, strict: false }, { type: 'function', name: 'h' }, { type: 'custom', name: 'c' }],
    top_logprobs: 2,
    top_p: 0.5,
    truncation: 'auto',
    user: 'u',
    metadata: { a: 'b' }
  }
  const begun = toBegunResponse(request, identity)
  const { model: _, input: __, tools: ___, ...told } = request
  t.match(begun, told)
  t.strictSame(begun.tools, [{ type: 'function', name: 'f', parameters: {}, strict: true }, { type: 'function', name: 'g', parameters: {}, strict: false }, { type: 'function', name: 'h', parameters: null, strict: true }, { type: 'custom', name: 'c' }], 'a function is strict unless it is said not to be')
  t.strictSame(faultsOf('Response', begun), [])
})

const begun = toBegunResponse({ model: 'm', input: 'x' }, identity)
for (const { name, given, expected } of [
  { name: 'complete', given: 'stop', expected: { status: 'completed', completed_at: 2_000, incomplete_details: null } },
  { name: 'complete with calls', given: 'tool_calls', expected: { status: 'completed', completed_at: 2_000 } },
  { name: 'cut', given: 'length', expected: { status: 'incomplete', completed_at: null, incomplete_details: { reason: 'max_output_tokens' } } },
  { name: 'filtered', given: 'content_filter', expected: { status: 'incomplete', incomplete_details: { reason: 'content_filter' } } }
] as const) {
  const ended = toEndedResponse(begun, fold(given), 2_000)
  t.match(ended, { ...expected, output: [{ type: 'message', content: [{ text: 'Hi' }] }] }, name)
  t.strictSame(ended.usage, { input_tokens: 3, input_tokens_details: { cached_tokens: 1, cache_write_tokens: 0 }, output_tokens: 4, output_tokens_details: { reasoning_tokens: 2 }, total_tokens: 7 }, `${name}: the bill`)
  t.strictSame(faultsOf('Response', ended), [], `${name}: OpenAI could have sent it`)
}

t.test('a response that broke says why, and has what there was', async t => {
  const failed = toFailedResponse(begun, fold(undefined), { message: 'Busy.', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' })
  t.match(failed, { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Busy.' }, output: [{ type: 'message', status: 'incomplete', content: [{ text: 'Hi' }] }], usage: null })
  t.strictSame(faultsOf('Response', failed), [])
  t.equal(toFailedResponse(begun, fold(undefined), { message: 'x', type: 'server_error', param: null, code: null }).error?.code, 'server_error', 'a code it must have')
})

t.test('a compaction is told by itself as the user\'s messages and what stands for the rest', async t => {
  const ended = toEndedResponse(toBegunResponse({ model: 'm', input: 'Hi' }, identity), fold('stop'), 2_000)
  const user = { id: 'msg_0', type: 'message' as const, role: 'user' as const, content: 'Hi' }
  t.match(toCompactedResponse(ended, [user]), { id: 'resp_1', object: 'response.compaction', created_at: 1_000, output: [user, { id: 'msg_1' }], usage: { total_tokens: 7 } })
  t.strictSame(Object.keys(toCompactedResponse(ended, [])).sort(), ['created_at', 'id', 'object', 'output', 'usage'])
})
