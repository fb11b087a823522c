import OpenAI from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import t from 'tap'
import { z } from 'zod'
import { MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t)
const client = new OpenAI({ baseURL, apiKey: 'unused' })

const Weather = z.object({
  city: z.string(),
  degrees: z.number().int(),
  wind: z.object({ from: z.enum(['north', 'east', 'south', 'west']), knots: z.number() }).nullable(),
  hours: z.array(z.object({ hour: z.number().int(), sky: z.string() }))
})
const City = z.object({ city: z.string() })

function saying (model: string, content: string) {
  return { model, messages: [{ role: 'user' as const, content }] }
}

for (const model of MODELS) {
  t.test(`${model} answers what a zod schema parses, whole and streamed`, async t => {
    const body = { ...saying(model, 'What is the weather in Oslo?'), response_format: zodResponseFormat(Weather, 'weather') }
    const { choices: [choice] } = await client.chat.completions.parse(body)
    t.ok(Weather.safeParse(choice?.message.parsed).success)

    const stream = client.chat.completions.stream(body)
    const snapshots: string[] = []
    stream.on('content.delta', ({ snapshot }) => snapshots.push(snapshot))
    const { choices: [streamed] } = await stream.finalChatCompletion()
    t.strictSame(streamed?.message.parsed, choice?.message.parsed)
    t.equal(snapshots.at(-1), streamed?.message.content)
  })

  t.test(`${model} calls a tool with arguments that zod parses, whole and streamed`, async t => {
    const tools = [zodFunction({ name: 'get_weather', description: 'The weather of a city', parameters: City })]
    const body = { ...saying(model, 'call tool get_weather with {"city":"Oslo"}'), tools }
    const whole = await client.chat.completions.parse(body)
    const streamed = await client.chat.completions.stream(body).finalChatCompletion()
    for (const { choices: [choice] } of [whole, streamed]) {
      t.equal(choice?.finish_reason, 'tool_calls')
      t.match(choice?.message.tool_calls, [{ function: { name: 'get_weather', parsed_arguments: { city: 'Oslo' } } }])
    }
  })

  t.test(`${model} uses two tools at once until it has an answer, whole and streamed`, async t => {
    const asked: string[] = []
    const tools = ['weather', 'time'].map(thing => zodFunction({
      name: `get_${thing}`,
      parameters: City,
      function: ({ city }) => {
        asked.push(`${thing} in ${city}`)
        return `${thing} of ${city}`
      }
    }))
    const body = { ...saying(model, 'call tool get_weather with {"city":"Oslo"} and call tool get_time with {"city":"Rome"}'), tools }

    const runner = client.chat.completions.runTools(body)
    t.equal(await runner.finalContent(), 'The tool answered: weather of Oslo time of Rome')
    t.strictSame(runner.messages.map(({ role }) => role), ['user', 'assistant', 'tool', 'tool', 'assistant'])

    const streaming = client.chat.completions.runTools({ ...body, stream: true })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of streaming) chunks.push(chunk)
    t.equal(await streaming.finalContent(), 'The tool answered: weather of Oslo time of Rome')
    t.strictSame(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []), ['tool_calls', 'stop'])
    t.strictSame(asked, ['weather in Oslo', 'time in Rome', 'weather in Oslo', 'time in Rome'])
  })
}
