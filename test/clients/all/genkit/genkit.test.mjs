import openAICompatible, { compatOaiModelRef } from '@genkit-ai/compat-oai'
import { genkit, z } from 'genkit'
import t from 'tap'
import { GLM, LLAMA, startServer } from '../../start-server.ts'

const { baseURL } = await startServer(t)
const ai = genkit({ plugins: [openAICompatible({ name: 'workers-ai', apiKey: 'unused', baseURL, maxRetries: 0 })] })

const weather = ai.defineTool({ name: 'get_weather', description: 'The weather of a city', inputSchema: z.object({ city: z.string() }), outputSchema: z.string() }, async ({ city }) => `sunny in ${city}`)

for (const id of [LLAMA, GLM]) {
  const model = compatOaiModelRef({ name: `workers-ai/${id}` })

  t.test(`${id} answers, whole and streamed`, async t => {
    const { text, usage, finishReason } = await ai.generate({ model, system: 'Be brief.', prompt: 'say one two three' })
    t.match({ text, finishReason }, { text: 'one two three', finishReason: 'stop' })
    t.ok(usage.totalTokens)
    const { stream, response } = ai.generateStream({ model, prompt: 'say one two three' })
    let text2 = ''
    for await (const chunk of stream) text2 += chunk.text
    t.equal(text2, 'one two three')
    t.equal((await response).text, 'one two three')
  })

  t.test(`${id} works with a tool until it has an answer, whole and streamed`, async t => {
    const given = { model, tools: [weather], prompt: 'call tool get_weather with {"city":"Oslo"}' }
    const { text, messages } = await ai.generate(given)
    t.match(text, /sunny in Oslo/)
    t.strictSame(messages.map(({ role }) => role), ['user', 'model', 'tool', 'model'])
    t.match((await ai.generateStream(given).response).text, /sunny in Oslo/)
  })

  t.test(`${id} answers in JSON`, async t => {
    const { output } = await ai.generate({ model, prompt: 'say {"city":"Oslo","degrees":7}', output: { format: 'json' } })
    t.match(output, { city: 'Oslo', degrees: 7 })
  })
}

t.test('failures and broken streams are errors', async t => {
  const model = compatOaiModelRef({ name: `workers-ai/${LLAMA}` })
  await t.rejects(ai.generate({ model, prompt: 'fail with code 4006' }), { message: /daily free allocation/ })
  await t.rejects(ai.generateStream({ model, prompt: 'break after 3 frames, say 10 words' }).response)
})
