import createInstructor from '@instructor-ai/instructor'
import OpenAI from 'openai'
import t from 'tap'
// the schemas instructor reads are those of zod 3, which zod 4 still brings
import { z } from 'zod/v3'
import { MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)
const client = new OpenAI({ baseURL, apiKey: 'unused' })

const schema = z.object({ city: z.string(), degrees: z.number().int(), hours: z.array(z.string()) })
const report = { city: 'Oslo', degrees: 7, hours: ['rain', 'sun'] }

const CALL = `call tool weather with ${JSON.stringify(report)}`
const CASES = [
  { mode: 'TOOLS', question: CALL, expected: report },
  { mode: 'FUNCTIONS', question: CALL, expected: report },
  // the schema is in the words of the system message only, and in JSON mode the simulator needs to be told what to say
  { mode: 'JSON', question: `say ${JSON.stringify(report)}`, expected: report },
  { mode: 'JSON_SCHEMA', question: 'What is the weather in Oslo?', expected: { city: String, degrees: Number, hours: Array } }
] as const

for (const { mode, question, expected } of CASES) {
  const instructor = createInstructor({ client, mode })
  for (const model of MODELS) {
    const body = { model, messages: [{ role: 'user' as const, content: question }], response_model: { name: 'weather', schema } }

    t.test(`${model} answers in mode ${mode}, whole and streamed`, async t => {
      const { _meta: meta, ...whole } = await instructor.chat.completions.create(body)
      t.match(whole, expected)
      t.match(meta?.usage, { completion_tokens: Number })

      let last: Record<string, unknown> = {}
      for await (const partial of await instructor.chat.completions.create({ ...body, stream: true })) last = partial
      t.match(last, whole)
      t.match(last['_meta'], { _isValid: true })
    })
  }
}

t.test('an answer that instructor rejects is asked for once more', async t => {
  const instructor = createInstructor({ client, mode: 'TOOLS', retryAllErrors: true, logger: () => {} })
  let tries = 0
  const picky = schema.refine(() => ++tries > 1, 'Not good enough')
  for (const model of MODELS) {
    tries = 0
    const messages = [{ role: 'user' as const, content: 'What is the weather in Oslo?' }]
    t.match(await instructor.chat.completions.create({ model, messages, max_retries: 2, response_model: { name: 'weather', schema: picky } }), { city: String })
    t.equal(tries, 2, model)
  }
})
