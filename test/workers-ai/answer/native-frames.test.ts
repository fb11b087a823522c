import t from 'tap'
import type { Backpressure } from '../../../src/generation/pipeline.ts'
import { withFrames } from '../../../src/workers-ai/answer/native-frames.ts'
import type { ResponseBody } from '../../../src/workers-ai/transport/dispatch.ts'

/** A body of these pieces; counts what is done to it. */
function bodyOf (...pieces: string[]): { body: ResponseBody, done: string[] } {
  const done: string[] = []
  const body: ResponseBody = {
    read: async sink => {
      for (const piece of pieces) if (await sink.write(Buffer.from(piece)) === 'cancel') return
    },
    destroy: () => { done.push('destroyed') },
    release: () => { done.push('released') }
  }
  return { body, done }
}

/** What is told and passed on, in order. */
async function read (pieces: string[], verdict: () => Backpressure | Promise<Backpressure> = () => undefined): Promise<string[]> {
  const { body } = bodyOf(...pieces)
  const order: string[] = []
  const framed = withFrames({ body, redact: text => text.replaceAll('secret', '[redacted]') }, frame => {
    order.push(`told ${frame}`)
    return undefined
  })
  await framed.read({
    write: bytes => {
      order.push(bytes.toString())
      return verdict()
    }
  })
  return order
}

t.test('each frame is told, then passed on, wherever the reads cut', async t => {
  const text = ': a comment\n\ndata: {"a":"ü"}\n\ndata:{"b":2}\r\n\r\ndata: x\ndata: y\n\ndata: [DONE]\n\n'
  const expected = ['told {"a":"ü"}', 'data: {"a":"ü"}\n\n', 'told {"b":2}', 'data: {"b":2}\n\n', 'told x\ny', 'data: x\ndata: y\n\n', 'told [DONE]', 'data: [DONE]\n\n']
  t.strictSame(await read([text]), expected)
  t.strictSame(await read(text.split('')), expected)
  t.strictSame(await read([text], async () => undefined), expected, 'a slow reader holds it back')
})

t.test('secrets are told to nobody, and what reads the frame reads it as it came', async t => {
  t.strictSame(await read(['data: secret\n\n']), ['told [redacted]', 'data: secret\n\n'])
})

t.test('a last event without an end is told as such', async t => {
  t.strictSame(await read(['data: a\n\ndata: b']), ['told a', 'data: a\n\n', 'told b', 'data: b'])
})

t.test('after the reader wants no more, nothing is told', async t => {
  t.strictSame(await read(['data: a\n\ndata: b\n\n', 'data: c\n\n'], () => 'cancel'), ['told a', 'data: a\n\n'])
})

t.test('it is the same connection', async t => {
  const { body, done } = bodyOf()
  const framed = withFrames({ body, redact: text => text }, () => undefined)
  framed.destroy()
  framed.release()
  t.strictSame(done, ['destroyed', 'released'])
  const broken = withFrames({ body: { ...body, read: async () => { throw new Error('reset') } }, redact: text => text }, () => undefined)
  await t.rejects(broken.read({ write: () => undefined }), { message: 'reset' })
})
