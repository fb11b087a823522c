import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { ask, saying } from '../servers/start-proxy.ts'
import { startBuiltServer } from '../servers/built-server.ts'
import { chunk, frames, LAST_CHUNK, answering, startRawUpstream, STREAM_HEAD, wantsStream, type Step } from '../servers/raw-upstream.ts'

// With nothing beside it: it measures how long a thousand streams hold up the event loop.

const MEBIBYTE = 1_048_576
const FRAMES = 10

interface Answer {
  status: number | undefined
  text: string
  /** What the connection failed with, and when. */
  failure?: string
}

/** Asks by Node's own client, which is content with one connection for each of a thousand requests. */
function post (port: number, agent: Agent, body: object, requestId: string): Promise<Answer> {
  return new Promise(resolve => {
    const startedAt = performance.now()
    const headers = { 'content-type': 'application/json', 'x-request-id': requestId }
    const asked = request({ host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', agent, headers })
    const answer: Answer = { status: undefined, text: '' }
    const fail = ({ message }: Error): void => {
      const after = Math.round(performance.now() - startedAt)
      resolve({ ...answer, failure: `${message} after ${after} ms, from port ${asked.socket?.localPort}` })
    }
    asked.on('error', fail)
    asked.on('response', (response: IncomingMessage) => {
      answer.status = response.statusCode
      response.setEncoding('utf8').on('data', piece => { answer.text += piece })
      response.on('end', () => resolve(answer))
      response.on('error', fail)
    })
    asked.end(JSON.stringify(body))
  })
}

/** The word a request was given, which its answer is made of. */
function wordOf (body: string): string {
  return /word-\d+/.exec(body)?.[0] ?? 'none'
}

t.test('a thousand streams at once: none is lost, none gets another\'s words', async t => {
  const COUNT = 1_000
  let goOn: (value?: unknown) => void
  const allAreOpen = new Promise(resolve => { goOn = resolve })
  const evil = await startRawUpstream(t, (asked, count) => {
    if (count > COUNT) goOn()
    if (!wantsStream(asked)) return answering('hi', false)
    const word = wordOf(asked.body)
    const pieces: Step[] = Array.from({ length: FRAMES }, (_, index) => [chunk(`data: {"response":"${word} ${index},"}\n\n`), 100]).flat()
    return [STREAM_HEAD, ...pieces.slice(0, 2), () => allAreOpen, ...pieces.slice(2), frames({ response: '', usage: { prompt_tokens: 1, completion_tokens: FRAMES } }, '[DONE]'), LAST_CHUNK]
  })
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  const agent = new Agent({ maxSockets: Infinity })
  t.teardown(() => agent.destroy())
  await (await ask(server, saying('x'))).text()
  const before = await server.vitals()

  const startedAt = performance.now()
  const answers = await Promise.all(Array.from({ length: COUNT }, async (_, index) => {
    await sleep(index / 2) // a thousand people do not press a key in the same millisecond
    return post(server.port, agent, { ...saying(`word-${index}`), stream: true }, `word-${index}`)
  }))
  const ms = performance.now() - startedAt
  const during = await server.vitals()
  const expected = (word: string) => Array.from({ length: FRAMES }, (_, index) => `${word} ${index},`).join('')
  const wrong = answers.flatMap(({ status, text, failure }, index) => {
    const { chunks, isDone, complaints } = readChatStream(text)
    const content = chunks.map(one => one.choices[0]?.delta.content ?? '').join('')
    const isRight = status === 200 && isDone && complaints.length === 0 && content === expected(`word-${index}`)
    return isRight ? [] : [{ index, status, failure, complaints, text: text.slice(0, 300), logged: server.lines().filter(({ requestId }) => requestId === `word-${index}`) }]
  })
  t.strictSame(wrong, [])
  t.equal(evil.asked.length, COUNT + 1, 'each was asked for once')
  t.ok(evil.connections() >= COUNT, 'at the same time')
  t.comment(`${COUNT} streams of ${FRAMES} frames in ${Math.round(ms)} ms; event loop held up ${during.maxDelayMs.toFixed(0)} ms at most; peak RSS ${(before.rss / MEBIBYTE).toFixed(0)} → ${(during.peakRss / MEBIBYTE).toFixed(0)} MiB; ${evil.connections()} connections to Cloudflare`)
  t.ok(during.maxDelayMs < 5_000, `event loop held up ${during.maxDelayMs.toFixed(0)} ms`)

  agent.destroy()
  let after = await server.vitals()
  for (let tries = 0; tries < 100 && after.sockets > before.sockets + evil.open(); tries++) {
    await sleep(100)
    after = await server.vitals()
  }
  t.ok(after.sockets <= before.sockets + evil.open(), `${after.sockets} sockets are left, of which ${evil.open()} lead to Cloudflare`)
})

t.test('six hundred requests of all kinds at once: each gets its own answer', async t => {
  const COUNT = 600
  const evil = await startRawUpstream(t, asked => {
    const word = wordOf(asked.body)
    switch (Number(word.slice(5)) % 6) {
      case 0: return answering(word, false)
      case 1: return [20, ...answering(word, true)]
      case 2: return [STREAM_HEAD, frames({ response: word }), 20, 'RESET']
      case 3: return ['FIN']
      case 4: return [STREAM_HEAD, frames({ response: word }), 30, frames({ error: { code: 3040, message: word } })]
      default: return [100, ...answering(word, wantsStream(asked))]
    }
  })
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, MAX_RETRIES: '0' })
  const agent = new Agent({ keepAlive: true, maxSockets: 100 })
  t.teardown(() => agent.destroy())
  const answers = await Promise.all(Array.from({ length: COUNT }, (_, index) => {
    const isStreamed = [1, 2, 4].includes(index % 6)
    return post(server.port, agent, { ...saying(`word-${index}`), model: `@cf/evil/m${index}`, stream: isStreamed }, `word-${index}`)
  }))
  const wrong = answers.flatMap(({ status, text, failure }, index) => {
    const isRight = failure === undefined && [
      () => status === 200 && text.includes(`"content":"word-${index}"`),
      () => status === 200 && text.includes(`"content":"word-${index}"`) && text.endsWith('data: [DONE]\n\n'),
      () => status === 200 && text.includes(`"content":"word-${index}"`) && text.includes('upstream_truncated') && !text.includes('[DONE]'),
      () => status === 502 && text.includes('upstream_unreachable'),
      () => status === 200 && text.includes(`word-${index} (Workers AI 3040)`) && !text.includes('[DONE]'),
      () => status === 200 && text.includes(`"content":"word-${index}"`)
    ][index % 6]?.()
    return isRight ? [] : [{ index, status, failure, text: text.slice(0, 300) }]
  })
  t.strictSame(wrong, [])
})
