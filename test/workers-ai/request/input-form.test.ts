import t from 'tap'
import type { GenerationRequest } from '../../../src/generation/request.ts'
import { toInputForm } from '../../../src/workers-ai/request/input-form.ts'
import { toBody, toRunRequest } from '../../../src/workers-ai/request/run-request.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { toText } from '../../../src/workers-ai/transport/request-body.ts'

const GPT_OSS = CATALOGUE.get('@cf/openai/gpt-oss-20b')!
const OPTIONS = { defaultMaxTokens: 4_096, maxChoices: 8, unsupportedParams: 'warn' as const, emulateTools: true, rejectIfBusy: false }

function translated (request: Partial<GenerationRequest>, stream = false) {
  const run = toInputForm(toRunRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...request }, GPT_OSS, OPTIONS))
  return { run, body: JSON.parse(toText(toBody(run, { stream, choice: 0, baseSeed: 1 }))) as object, changes: run.changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('messages become items, and fields have their other names', t => {
  const { body, run, changes } = translated({ temperature: 0.5, reasoning_effort: 'low', max_tokens: 50, stop: ['END'] })
  t.strictSame(body, { input: [{ role: 'user', content: 'Hi' }], max_output_tokens: 50, reasoning: { effort: 'low' }, temperature: 0.5 })
  t.strictSame(changes, [])
  t.equal(run.canStream, false, 'it is documented for whole answers only')
  t.end()
})

t.test('what the form has no field for is told', t => {
  const { body, changes } = translated({ seed: 5, frequency_penalty: 1, n: 2 })
  t.strictSame(body, { input: [{ role: 'user', content: 'Hi' }], max_output_tokens: 4_096 })
  t.strictSame(changes, ['n emulated', 'frequency_penalty dropped', 'seed dropped'])
  t.end()
})

t.test('earlier turns keep what they are', t => {
  const { body } = translated({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'one' }, { type: 'text', text: 'two' }] },
      { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'result' },
      { role: 'assistant', content: 'So it is.' },
      { role: 'user', content: 'Why?' }
    ]
  })
  t.strictSame((body as { input: object[] }).input, [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'one\ntwo' },
    { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'call_1', output: 'result' },
    { role: 'assistant', content: 'So it is.' },
    { role: 'user', content: 'Why?' }
  ])
  t.end()
})
