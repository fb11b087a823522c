// The smallest app there is: one streamed chat through the proxy, with nothing but Node.
const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    model: process.env.MODEL ?? '@cf/meta/llama-3.3-70b-instruct-fp8-fast',
    stream: true,
    messages: [{ role: 'user', content: 'Say hello to the sidecar in one sentence.' }]
  })
})
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)

let rest = ''
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const events = (rest + text).split('\n\n')
  rest = events.pop()
  for (const event of events) {
    if (!event.startsWith('data: ') || event === 'data: [DONE]') continue
    const chunk = JSON.parse(event.slice(6))
    if (chunk.error) throw new Error(chunk.error.message)
    process.stdout.write(chunk.choices[0]?.delta.content ?? '')
  }
}
process.stdout.write('\n')
