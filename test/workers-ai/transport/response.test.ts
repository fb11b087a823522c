import t from 'tap'
import type { Sink } from '../../../src/generation/pipeline.ts'
import type { ResponseBody } from '../../../src/workers-ai/transport/dispatch.ts'
import { fitsHeader, forwardedHeaders, isBytes, tapped, toRefusedError, toWholeJson, whyUnreadable } from '../../../src/workers-ai/transport/response.ts'
import { all } from '../../sources.ts'

const asIs = (text: string) => text

function bodyOf (...pieces: string[]): ResponseBody & { isDestroyed: () => boolean } {
  let destroyed = false
  return {
    read: async (sink: Sink<Buffer>) => { for (const piece of pieces) if (await sink.write(Buffer.from(piece)) === 'cancel') return },
    destroy: () => { destroyed = true },
    release: () => {},
    isDestroyed: () => destroyed
  }
}

function responseOf (statusCode: number, headers: Record<string, string>, ...pieces: string[]) {
  return { statusCode, headers, isStream: false, body: bodyOf(...pieces) }
}

t.test('whyUnreadable', t => {
  t.equal(whyUnreadable(responseOf(200, {})), undefined)
  t.equal(whyUnreadable(responseOf(200, { 'content-encoding': 'identity' })), undefined)
  t.match(whyUnreadable(responseOf(200, { 'content-encoding': 'gzip' })), /compressed/)
  t.match(whyUnreadable(responseOf(302, {})), /redirects are not followed/)
  t.match(whyUnreadable(responseOf(206, {})), /whole answer/)
  t.end()
})

t.test('isBytes', t => {
  const given = ['image/png', 'audio/mpeg', 'application/octet-stream', 'application/json', 'application/json; charset=utf-8', 'application/problem+json', 'text/event-stream', 'text/html', '']
  t.strictSame(given.filter(contentType => isBytes({ headers: { 'content-type': contentType } })), ['image/png', 'audio/mpeg', 'application/octet-stream'])
  t.end()
})

t.test('toWholeJson reads also an answer that calls itself a stream', async t => {
  const head = { status: 200, headers: {}, attempts: 1, redact: asIs }
  t.strictSame(await toWholeJson({ ...head, form: 'json', json: { a: 1 }, text: '{"a":1}' }), { a: 1 })
  t.strictSame(await toWholeJson({ ...head, form: 'events', body: bodyOf('{"a":', '1}') }), { a: 1 })
  t.match(await toWholeJson({ ...head, form: 'events', body: bodyOf('data: {}') }).catch((error: unknown) => error), { kind: 'malformed' })
})

t.test('toRefusedError reads why, closes the connection and redacts', async t => {
  const response = responseOf(429, { 'retry-after': '3' }, '{"errors":[{"code":3040,', '"message":"No room, secret"}]}')
  const error = await toRefusedError(response, { redact: text => text.replace('secret', '[redacted]') })
  t.match(error, { kind: 'refused', status: 429, code: 3040, retryAfter: 3, message: 'No room, [redacted]' })
  t.ok(response.body.isDestroyed())
})

t.test('tapped shows a body when it has ended', async t => {
  const received: string[] = []
  const observer = { sent: () => {}, received: (text: string) => { received.push(text) } }
  const body = tapped(bodyOf('a', 'b'), { redact: asIs, observer })
  t.strictSame((await all<Buffer>(write => body.read({ write }))).map(String), ['a', 'b'])
  t.strictSame(received, ['ab'])
  const plain = bodyOf()
  t.equal(tapped(plain, { redact: asIs }), plain, 'without an observer it is the body itself')
})

t.test('forwardedHeaders', t => {
  const headers = { 'cf-ray': 'ray', 'cf-ai-req-id': 'two words', 'cf-ai-neurons': 'secret', server: 'x' }
  t.strictSame(forwardedHeaders(responseOf(200, headers), text => text.replace('secret', '')), { 'cf-ray': 'ray' })
  const repeated = { 'cf-ai-neurons': '1.5', 'cf-aig-cache-status': 'HIT' }
  t.strictSame(forwardedHeaders(responseOf(200, repeated), asIs), { ...repeated, 'cf-ai-neurons': '0' }, 'what AI Gateway repeats is not billed')
  t.strictSame(['a', '', 'ä', 'a\nb', 'x'.repeat(257)].map(fitsHeader), [true, false, false, false, false])
  t.end()
})
