import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { readChatStream } from '../streams/chat-stream.ts'
import { faultsOf } from '../openai-schemas.ts'
import { readResponseStream } from '../streams/response-stream.ts'
import type { Behaviour, Scenario } from './batch.ts'
import { faultsOfMessages, isOfMessages } from './messages-answer.ts'

/** Longer than every limit of the server that is asked. */
const PATIENCE_MS = 30_000

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/**
 * Does what a scenario says to the server on this port of loopback.
 * @returns what is wrong with the answer, where the client has waited for one; empty when nothing is
 */
export async function play ({ port }: { port: number }, scenario: Scenario): Promise<string[]> {
  const timeout = AbortSignal.timeout(PATIENCE_MS)
  try {
    const answer = scenario.behaviour.kind === 'half-closes' ? await askByHalf(port, scenario, timeout) : await ask(port, scenario, timeout)
    return answer === undefined ? [] : faultsOfAnswer(scenario, answer)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [timeout.aborted ? `no answer within ${PATIENCE_MS / 1_000} s` : `the answer broke off: ${reason}`]
  }
}

/** Resolves without an answer when the client does not wait for one. */
function ask (port: number, { method, path, headers, body, behaviour }: Scenario, signal: AbortSignal): Promise<Answer | undefined> {
  const bytes = Buffer.from(body, 'base64')
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, method, path, headers: { host: `127.0.0.1:${port}`, ...headers, 'content-length': bytes.length }, agent: false, signal })
    let isLeaving = false
    const leave = (byReset = false) => {
      isLeaving = true
      if (byReset) asking.socket?.resetAndDestroy()
      asking.destroy()
      resolve(undefined)
    }
    asking.on('error', error => isLeaving ? resolve(undefined) : reject(error))
    asking.on('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Error('the server changed to another protocol'))
    })
    asking.on('response', response => read(response, behaviour, leave).then(resolve, reject))
    sendBody(asking, bytes, behaviour, leave).catch(reject)
  })
}

async function sendBody (asking: ClientRequest, bytes: Buffer, behaviour: Behaviour, leave: (byReset?: boolean) => void): Promise<void> {
  switch (behaviour.kind) {
    case 'sends a part':
      asking.write(bytes.subarray(0, Math.floor(bytes.length * behaviour.share)))
      await sleep(20)
      return leave()
    case 'drips': {
      const length = Math.max(1, Math.ceil(bytes.length / behaviour.pieces))
      for (let at = 0; at < bytes.length && !asking.destroyed; at += length) {
        asking.write(bytes.subarray(at, at + length))
        await sleep(behaviour.ms)
      }
      asking.end()
      return
    }
    case 'leaves before the answer':
      asking.end(bytes)
      await sleep(behaviour.afterMs)
      return leave(behaviour.byReset)
    default:
      asking.end(bytes)
  }
}

async function read (response: IncomingMessage, behaviour: Behaviour, leave: (byReset?: boolean) => void): Promise<Answer | undefined> {
  if (behaviour.kind === 'pauses') await sleep(behaviour.ms)
  if (behaviour.kind === 'reads nothing') {
    response.on('error', () => {})
    await sleep(behaviour.ms)
    leave()
    return undefined
  }
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of response) {
    pieces.push(piece)
    length += piece.length
    if (behaviour.kind === 'leaves' && length >= behaviour.afterBytes) {
      leave(behaviour.byReset)
      return undefined
    }
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(pieces).toString() }
}

/** Ends its side of the connection with the request, and reads what comes until the other side ends too. */
async function askByHalf (port: number, { method, path, headers, body }: Scenario, signal: AbortSignal): Promise<undefined> {
  const bytes = Buffer.from(body, 'base64')
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers, connection: 'close', 'content-length': String(bytes.length) }).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = new Socket({ allowHalfOpen: true, signal })
  socket.on('error', () => {})
  socket.connect(port, '127.0.0.1')
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  socket.end(bytes)
  socket.resume()
  await new Promise(resolve => socket.once('close', resolve).once('end', resolve))
  socket.destroy()
  signal.throwIfAborted()
  return undefined
}

function faultsOfAnswer ({ method, path, headers, body }: Scenario, { status, headers: answered, text }: Answer): string[] {
  // The Messages API has 500 for a refused token of the proxy's own.
  const isDue = isOfMessages(path) && text.includes('refused the proxy\'s own API token')
  if ((status === 500 && !isDue) || status < 200 || (status > 299 && status < 400)) return [`status ${status}: ${text.slice(0, 500)}`]
  if (method === 'HEAD' || method === 'OPTIONS') return []
  const isStream = String(answered['content-type']).startsWith('text/event-stream')
  const isAnswer = method === 'POST' && !('x-dry-run' in headers)
  if (isOfMessages(path) && (status >= 400 || isAnswer)) return faultsOfMessages(status, isStream, text)
  if (status >= 400) return faultsOf('ErrorResponse', JSON.parse(text))
  if (!isAnswer) return []
  if (isStream) return faultsOfStream(path, text, Buffer.from(body, 'base64').includes('"include_usage":true'))
  const schema = PLAIN[path]
  return schema === undefined ? [] : faultsOf(schema, JSON.parse(text))
}

const PLAIN: Record<string, Parameters<typeof faultsOf>[0]> = {
  '/v1/chat/completions': 'CreateChatCompletionResponse',
  '/v1/completions': 'CreateCompletionResponse',
  '/v1/embeddings': 'CreateEmbeddingResponse',
  '/v1/responses': 'Response'
}

function faultsOfStream (path: string, text: string, mayHaveUsage: boolean): string[] {
  switch (path) {
    case '/v1/chat/completions': {
      const { chunks, complaints } = readChatStream(text, { withUsage: mayHaveUsage && text.includes('"usage":') })
      return [...complaints, ...chunks.flatMap(one => faultsOf('CreateChatCompletionStreamResponse', one))]
    }
    case '/v1/responses': return readResponseStream(text).complaints
    default: {
      const isDone = text.endsWith('data: [DONE]\n\n')
      const isFailed = /data: \{"error":[^\n]*\n\n$/.test(text)
      return isDone === isFailed ? ['a stream ends with [DONE] or with an error, never with both or neither'] : []
    }
  }
}
