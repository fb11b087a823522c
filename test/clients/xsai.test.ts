import t from 'tap'
import { embedMany, generateObject, generateText, listModels, retrieveModel, streamObject, streamText, tool } from 'xsai'
import { z } from 'zod'
import { EMBEDDER, GLM, LLAMA, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)
const place = { apiKey: 'unused', baseURL }
const weather = await tool({ name: 'get_weather', description: 'The weather of a city', parameters: z.object({ city: z.string() }), execute: ({ city }) => `sunny in ${city}` })
const schema = z.object({ city: z.string(), degrees: z.number().int() })

function saying (model: string, content: string) {
  return { ...place, model, messages: [{ role: 'user' as const, content }] }
}

async function read<Piece> (stream: ReadableStream<Piece>): Promise<Piece[]> {
  const pieces: Piece[] = []
  for await (const piece of stream as unknown as AsyncIterable<Piece>) pieces.push(piece)
  return pieces
}

for (const model of [LLAMA, GLM]) {
  t.test(`${model} writes a text, whole and streamed`, async t => {
    const whole = await generateText(saying(model, 'say one two three'))
    t.match(whole, { text: 'one two three', finishReason: 'stop', usage: { total_tokens: Number } })
    const streamed = streamText({ ...saying(model, 'say one two three'), streamOptions: { includeUsage: true } })
    t.equal((await read(streamed.textStream)).join(''), 'one two three')
    t.match(await streamed.usage, { total_tokens: Number })
  })

  t.test(`${model} takes two steps with a tool, whole and streamed`, async t => {
    const given = { ...saying(model, 'call tool get_weather with {"city":"Oslo"}'), tools: [weather], maxSteps: 3 }
    const { text, steps } = await generateText(given)
    t.match(text, /sunny in Oslo/)
    t.match(steps, [{ toolCalls: [{ toolName: 'get_weather' }], toolResults: [{ result: 'sunny in Oslo' }] }, { finishReason: 'stop' }])
    const streamed = streamText(given)
    t.match((await read(streamed.textStream)).join(''), /sunny in Oslo/)
    t.equal((await streamed.steps).length, 2)
  })

  t.test(`${model} answers in the shape of a schema, whole and streamed`, async t => {
    const given = { ...saying(model, 'What is the weather in Oslo?'), schema }
    const { object } = await generateObject(given)
    t.match(object, { city: String, degrees: Number })
    const { partialObjectStream } = await streamObject(given)
    t.match((await read(partialObjectStream)).at(-1), object)
  })
}

t.test('models are listed and texts embedded', async t => {
  t.ok((await listModels(place)).some(({ id }) => id === LLAMA))
  t.match(await retrieveModel({ ...place, model: LLAMA }), { id: LLAMA })
  const { embeddings, usage } = await embedMany({ ...place, model: EMBEDDER, input: ['rain', 'sun'] })
  t.strictSame(embeddings.map(({ length }) => length), [1_024, 1_024])
  t.ok(usage.total_tokens)
})

t.test('failures and broken streams are errors', async t => {
  await t.rejects(generateText(saying(LLAMA, 'fail with code 4006')), { message: /daily free allocation/ })
  const { textStream, ...broken } = streamText(saying(LLAMA, 'break after 3 frames, say 10 words'))
  const results = Promise.allSettled([broken.messages, broken.steps, broken.totalUsage, broken.usage])
  await t.rejects(read(textStream), { message: /upstream_truncated/ })
  t.ok((await results).every(({ status }) => status === 'rejected'))
})
