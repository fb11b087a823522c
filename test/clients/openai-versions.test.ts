import type OpenAI from 'openai'
import OpenAI4 from 'openai-4'
import OpenAI5 from 'openai-5'
import OpenAI7 from 'openai-7'
import t from 'tap'
import { EMBEDDER, GLM, LLAMA, startServer } from './start-server.ts'

/** What a program written for version 6 calls, which the other versions have, too. */
interface Version {
  version: number
  library: typeof OpenAI
  client: OpenAI
  helpers: OpenAI['chat']['completions']
}

const { baseURL } = await startServer(t, { flags: ['--max-retries', '0'] })
const options = { baseURL, apiKey: 'unused', maxRetries: 0 }
const four = new OpenAI4(options)
const five = new OpenAI5(options)
const seven = new OpenAI7(options)

const VERSIONS = [
  { version: 4, library: OpenAI4, client: four, helpers: four.beta.chat.completions },
  { version: 5, library: OpenAI5, client: five, helpers: five.chat.completions },
  { version: 7, library: OpenAI7, client: seven, helpers: seven.chat.completions }
] as unknown as Version[]

const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }
const CALL = 'call tool get_weather with {"city":"Oslo"}'
const runnable = { name: 'get_weather', description: 'The weather of a city', parameters: city, parse: JSON.parse, function: ({ city }: { city: string }) => `sunny in ${city}` }

function saying (model: string, content: string) {
  return { model, messages: [{ role: 'user' as const, content }] }
}

for (const { version, library, client, helpers } of VERSIONS) {
  for (const model of [LLAMA, GLM]) {
    t.test(`openai ${version}: ${model} answers, whole and streamed`, async t => {
      const body = saying(model, 'say one two three')
      const { choices, usage } = await client.chat.completions.create(body)
      t.match(choices, [{ message: { role: 'assistant', content: 'one two three' }, finish_reason: 'stop' }])
      t.equal(usage?.total_tokens, (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0))

      const chunks: OpenAI.ChatCompletionChunk[] = []
      for await (const chunk of await client.chat.completions.create({ ...body, stream: true, stream_options: { include_usage: true } })) chunks.push(chunk)
      t.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), 'one two three')
      t.match(chunks.at(-1), { choices: [], usage: { total_tokens: Number } })
      t.equal((await helpers.stream(body).finalMessage()).content, 'one two three')
    })

    t.test(`openai ${version}: ${model} works with a tool until it has an answer, whole and streamed`, async t => {
      const body = { ...saying(model, CALL), tools: [{ type: 'function' as const, function: runnable }] }
      const whole = helpers.runTools(body)
      t.match(await whole.finalContent(), /sunny in Oslo/)
      t.strictSame(whole.messages.map(({ role }) => role), ['user', 'assistant', 'tool', 'assistant'])
      t.match(await helpers.runTools({ ...body, stream: true }).finalContent(), /sunny in Oslo/)
    })

    t.test(`openai ${version}: ${model} answers in the shape of a schema, whole and streamed`, async t => {
      const body = { ...saying(model, 'What is the weather in Oslo?'), response_format: { type: 'json_schema' as const, json_schema: { name: 'city', strict: true, schema: city } } }
      const whole = await helpers.parse(body)
      const streamed = await helpers.stream(body).finalChatCompletion()
      for (const { choices: [choice] } of [whole, streamed]) t.match(JSON.parse(choice?.message.content ?? ''), { city: String })
    })

    t.test(`openai ${version}: ${model} responds, whole, streamed and after a tool`, async t => {
      const whole = await client.responses.create({ model, input: 'say one two three' })
      t.match(whole, { status: 'completed', output_text: 'one two three', usage: { total_tokens: Number } })
      t.equal((await client.responses.create({ model, input: 'say four', previous_response_id: whole.id })).output_text, 'four')
      const streamed = await client.responses.stream({ model, input: 'say one two three' }).finalResponse()
      t.match(streamed.output.at(-1), { type: 'message', content: [{ text: 'one two three' }] })

      const tools = [{ type: 'function' as const, name: 'get_weather', strict: true, parameters: city }]
      const { id, output } = await client.responses.create({ model, tools, input: CALL })
      const results = output.flatMap(item => item.type === 'function_call' ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'sunny in Oslo' }] : [])
      t.equal(results.length, 1)
      t.match((await client.responses.create({ model, tools, previous_response_id: id, input: results })).output_text, /sunny in Oslo/)
    })
  }

  t.test(`openai ${version} lists models, embeds texts and completes them`, async t => {
    const ids: string[] = []
    for await (const { id } of client.models.list()) ids.push(id)
    t.ok(ids.includes(LLAMA))
    t.match(await client.models.retrieve(LLAMA), { id: LLAMA, object: 'model' })

    const { data, usage } = await client.embeddings.create({ model: EMBEDDER, input: ['rain', 'sun'] })
    t.match(data.map(({ embedding }) => embedding.length), [1_024, 1_024])
    t.ok(usage.total_tokens)

    const { choices } = await client.completions.create({ model: LLAMA, prompt: 'say one two three' })
    t.match(choices, [{ text: 'one two three', finish_reason: 'stop' }])
  })

  t.test(`openai ${version} throws the error it has for each failure`, async t => {
    const ask = (content: string, model = LLAMA) => client.chat.completions.create(saying(model, content))
    await t.rejects(ask('hi', 'nobody'), { status: 404, code: 'model_not_found', constructor: library.NotFoundError })
    await t.rejects(ask('fail with code 4006'), { status: 429, code: 'insufficient_quota', constructor: library.RateLimitError })
    await t.rejects(client.chat.completions.create({ ...saying(LLAMA, 'hi'), temperature: 3 }), { status: 400, code: 'decimal_above_max_value', param: 'temperature', constructor: library.BadRequestError })

    const broken = await client.chat.completions.create({ ...saying(LLAMA, 'break after 3 frames, say 10 words'), stream: true })
    await t.rejects(async () => { for await (const chunk of broken) t.equal(chunk.choices[0]?.finish_reason ?? null, null) }, { code: 'upstream_truncated' })
    await t.rejects(helpers.stream(saying(LLAMA, 'break after 3 frames, say 10 words')).finalMessage(), { code: 'upstream_truncated' })
  })
}
