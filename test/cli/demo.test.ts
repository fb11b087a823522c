import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { showChat } from '../../src/cli/demo.ts'

interface Asked {
  url: string | undefined
  headers: IncomingHttpHeaders
  body: unknown
}

/** Chats with a server that gives the answer; resolves with what it was asked and what came on screen. */
async function chat (t: Test, answer: (response: ServerResponse) => void, apiKey?: string) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    asked.push({ url: request.url, headers: request.headers, body: await json(request) })
    answer(response)
  })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const written: string[] = []
  const done = showChat({
    baseUrl: `http://127.0.0.1:${port}/v1`,
    model: '@cf/m/m',
    write: text => written.push(text),
    ...(apiKey !== undefined && { apiKey })
  })
  return { done, asked, written }
}

function frame (event: unknown): string {
  return `data: ${JSON.stringify(event)}\n\n`
}

const hello = frame({ choices: [{ delta: { content: 'Hel' } }] }) + frame({ choices: [{ delta: { content: 'lo.' } }] })
const usage = frame({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } })

t.test('the answer comes on screen piece by piece, then what it cost', async t => {
  const { done, asked, written } = await chat(t, response => response.end(`${hello}${usage}data: [DONE]\n\n`))
  await done
  t.same(asked[0]?.body, {
    model: '@cf/m/m',
    messages: [{ role: 'user', content: 'What is a proxy? Answer in two sentences.' }],
    stream: true,
    stream_options: { include_usage: true }
  }, 'it asks for a stream with usage')
  t.equal(asked[0]?.url, '/v1/chat/completions')
  t.equal(asked[0]?.headers.authorization, undefined, 'without a key it sends none')
  t.match(written[0], /> What is a proxy\?/, 'the question comes first')
  t.same(written.slice(1).filter(text => text !== ''), ['Hel', 'lo.', '\n\n  3 prompt tokens, 2 completion tokens, 5 in total\n'])
})

t.test('a key is sent', async t => {
  const { done, asked } = await chat(t, response => response.end('data: [DONE]\n\n'), 'k1')
  await done
  t.equal(asked[0]?.headers.authorization, 'Bearer k1')
})

const failures = [
  {
    name: 'an error is told in the proxy\'s words',
    answer: (response: ServerResponse) => response.writeHead(404).end('{"error":{"message":"No such model."}}'),
    expected: '404: No such model.'
  },
  {
    name: 'an answer that is no error object is told as it is',
    answer: (response: ServerResponse) => response.writeHead(502).end('Bad gateway'),
    expected: '502: Bad gateway'
  },
  {
    name: 'an error inside the stream is told',
    answer: (response: ServerResponse) => response.end(hello + frame({ error: { message: 'Cloudflare fell silent.' } })),
    expected: 'Cloudflare fell silent.'
  },
  {
    name: 'a stream without its end is no whole answer',
    answer: (response: ServerResponse) => response.end(hello),
    expected: 'the stream ended without [DONE]'
  },
  {
    name: 'a connection that breaks is no whole answer',
    answer: (response: ServerResponse) => response.write(hello, () => response.destroy()),
    expected: 'aborted'
  }
]
for (const { name, answer, expected } of failures) {
  t.test(name, async t => {
    const { done } = await chat(t, answer)
    await t.rejects(done, { message: expected })
  })
}
