import t from 'tap'
import { InvalidRequestError } from '../../src/errors.ts'
import { overloaded } from '../../src/http/connections/active-requests.ts'
import type { GenerationRequest } from '../../src/generation/request.ts'
import { fetchRemoteImages } from '../../src/remote-images/remote-images.ts'
import { waited } from '../servers/http-client.ts'
import { ask, KIMI, LLAMA, startProxy } from '../servers/start-proxy.ts'
import { PNG, PNG_URI, startImageServer } from '../servers/image-server.ts'

const signal = new AbortController().signal
const lookup = async () => ['127.0.0.1']

function showing (...urls: string[]): GenerationRequest {
  return {
    model: KIMI,
    messages: [
      { role: 'system', content: 'Look closely.' },
      { role: 'user', content: [{ type: 'text', text: 'What is it?' }, ...urls.map(url => ({ type: 'image_url' as const, image_url: { url, detail: 'low' } }))] }
    ]
  }
}

t.test('a request without remote images stays the same object', async t => {
  const never = () => t.fail('something is looked up') as never
  for (const given of [showing(), showing(PNG_URI, 'ftp://images.test/a.png', 'data:text/plain,http://images.test/'), { model: KIMI, messages: [{ role: 'user' as const, content: 'http://images.test/a.png' }] }]) {
    const { request, changes } = await fetchRemoteImages(given, { signal, lookup: never })
    t.equal(request, given)
    t.strictSame(changes, [])
  }
})

t.test('remote images become data URIs where they stand, and that is told', async t => {
  const server = await startImageServer(t)
  const given = showing(server.url('/a.png'), PNG_URI, server.url('/b.png').replace('http', 'HTTP'))
  const before = structuredClone(given)
  const { request, changes } = await fetchRemoteImages(given, { signal, lookup, exempt: server.exempt })
  t.strictSame(request, showing(PNG_URI, PNG_URI, PNG_URI))
  t.strictSame(changes, [
    { param: 'messages[1].content[1].image_url.url', action: 'emulated', reason: 'fetched by the proxy' },
    { param: 'messages[1].content[3].image_url.url', action: 'emulated', reason: 'fetched by the proxy' }
  ])
  t.strictSame(given, before, 'the request itself is left alone')
})

t.test('what images hold is told as base64, and one there is no room for is no image that cannot be had', async t => {
  const server = await startImageServer(t)
  let held = 0
  await fetchRemoteImages(showing(server.url('/a.png'), server.url('/b.png')), { signal, lookup, exempt: server.exempt, hold: bytes => { held += bytes } })
  const base64 = PNG_URI.length - 'data:image/png;base64,'.length
  t.ok(held >= 2 * base64 - 8 && held <= 2 * base64 + 8, `${held} of ${2 * base64}`)
  const full = overloaded()
  await t.rejects(fetchRemoteImages(showing(server.url('/a.png')), { signal, lookup, exempt: server.exempt, hold: () => { throw full } }), full)
})

t.test('an image that cannot be had is the caller\'s to know, and no more than that', async t => {
  const server = await startImageServer(t, (request, response) => {
    if (request.url === '/gone.png') response.writeHead(404).end()
    else if (request.url === '/broken.png') response.destroy()
    // everything else is never answered
  })
  const cases = [
    { name: 'a host inside', given: 'http://intranet.test/', expected: 'its host is not on the public internet' },
    { name: 'an image that is gone', given: server.url('/gone.png'), expected: 'its server answered 404' },
    { name: 'a connection that breaks', given: server.url('/broken.png'), expected: 'the connection to its server failed' },
    { name: 'a server that is silent', given: server.url('/silent.png'), expected: 'it took longer than 1 s' },
    { name: 'credentials', given: 'https://user:secret@images.test/', expected: 'its URL contains credentials' }
  ]
  for (const { name, given, expected } of cases) {
    const fetching = fetchRemoteImages(showing(PNG_URI, given), { signal, lookup, exempt: server.exempt, timeoutMs: 1_000 })
    const error = await fetching.catch((error: unknown) => error)
    t.ok(error instanceof InvalidRequestError, `${name} is refused`)
    t.match(error, { status: 400, code: 'invalid_image_url', param: /^messages\[1\]\.content\[2\]\.image_url\.url$/, message: `Invalid 'messages[1].content[2].image_url.url': the image was not fetched: ${expected}.` }, name)
    t.notMatch(String((error as Error).message), /127\.0\.0|secret/, `${name}, without addresses or secrets`)
  }
})

t.test('what is wrong in this program is no fault of the caller\'s', async t => {
  const lookup = () => { throw new TypeError('a bug') }
  await t.rejects(fetchRemoteImages(showing('http://images.test/'), { signal, lookup }), { name: 'TypeError', message: 'a bug' })
})

t.test('at most eight images are fetched, at once', async t => {
  let most = 0
  const waiting: Array<() => void> = []
  const server = await startImageServer(t, (_request, response) => {
    waiting.push(() => response.writeHead(200, { 'content-type': 'image/png' }).end(PNG))
    most = Math.max(most, waiting.length)
    if (waiting.length === 8) for (const send of waiting.splice(0)) send()
  })
  const urls = Array.from({ length: 9 }, (_, index) => server.url(`/${index}.png`))
  await t.rejects(fetchRemoteImages(showing(...urls), { signal, lookup, exempt: server.exempt }), { code: 'invalid_image_url', param: 'messages[1].content[9].image_url.url', message: /at most 8 images are fetched for a request, but it names 9/ })
  t.equal(server.requests.length, 0, 'of more, none')
  t.strictSame((await fetchRemoteImages(showing(...urls.slice(1)), { signal, lookup, exempt: server.exempt })).request, showing(...Array<string>(8).fill(PNG_URI)))
  t.equal(most, 8)
})

t.test('images are not larger together than a body could be', async t => {
  const server = await startImageServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.concat([PNG, Buffer.alloc(9 * 1_048_576)]))
  })
  await t.rejects(fetchRemoteImages(showing(server.url(), server.url(), server.url()), { signal, lookup, exempt: server.exempt }), { code: 'invalid_image_url', message: /the images of this request are too large together/ })
})

t.test('one that fails ends the others', async t => {
  const server = await startImageServer(t, (request, response) => {
    if (request.url === '/gone.png') setTimeout(() => response.writeHead(404).end(), 50)
  })
  await t.rejects(fetchRemoteImages(showing(server.url('/silent.png'), server.url('/gone.png')), { signal, lookup, exempt: server.exempt }), { message: /answered 404/ })
  await waited(() => server.closed() === 2)
  t.equal(server.requests.length, 2)
})

t.test('a client that leaves ends them all', async t => {
  const server = await startImageServer(t, () => {})
  const controller = new AbortController()
  const fetching = fetchRemoteImages(showing(server.url(), server.url()), { signal: controller.signal, lookup, exempt: server.exempt })
  const gone = new Error('gone')
  waited(() => server.requests.length === 2).then(() => controller.abort(gone))
  t.equal(await fetching.catch(error => error), gone, 'its reason is passed on')
  await waited(() => server.closed() === 2)
})

t.test('through the proxy', async t => {
  const server = await startImageServer(t)
  const remoteImages = { lookup, exempt: server.exempt }
  const on = await startProxy(t, { FETCH_REMOTE_IMAGES: 'true' }, {}, { remoteImages })
  const off = await startProxy(t, {}, {}, { remoteImages })
  const sent = ({ simulator }: typeof on) => simulator.requests.filter(({ path }) => path.includes('/run/'))

  t.test('an image in the request is sent as it is', async t => {
    const response = await ask(off, showing(PNG_URI))
    t.equal(response.status, 200)
    t.equal(response.headers.get('x-proxy-warnings'), null)
    t.strictSame((sent(off).at(-1)?.body as GenerationRequest).messages, showing(PNG_URI).messages)
  })

  for (const stream of [false, true]) {
    t.test(`a remote image is fetched and sent, ${stream ? 'and the answer is streamed' : 'and answered'}`, async t => {
      const response = await ask(on, { ...showing(server.url()), stream })
      t.equal(response.status, 200)
      t.equal(response.headers.get('x-proxy-warnings'), 'messages[1].content[1].image_url.url emulated')
      t.match(await response.text(), stream ? /data: \[DONE\]/ : /"finish_reason":"stop"/)
      t.strictSame((sent(on).at(-1)?.body as GenerationRequest).messages, showing(PNG_URI).messages)
    })
  }

  const refused = [
    { name: 'by default no image is fetched', proxy: off, given: showing(server.url()), code: 'unsupported_value', param: 'messages[1].content[1].image_url.url', says: /FETCH_REMOTE_IMAGES=true/ },
    { name: 'no host inside is called', proxy: on, given: showing('http://127.0.0.1/'), code: 'invalid_image_url', param: 'messages[1].content[1].image_url.url', says: /not on the public internet/ },
    { name: 'nothing is fetched for a model that sees no images', proxy: on, given: { ...showing(server.url()), model: LLAMA }, code: 'unsupported_value', param: 'messages[1].content[1]', says: /cannot see images\. Use a vision model, such as @cf\/\S+, @cf\/\S+, @cf\/\S+; GET/ }
  ]
  for (const { name, proxy, given, code, param, says } of refused) {
    t.test(name, async t => {
      const before = [server.requests.length, sent(proxy).length]
      const response = await ask(proxy, given)
      t.equal(response.status, 400)
      t.match(await response.json(), { error: { type: 'invalid_request_error', code, param, message: says } })
      t.strictSame([server.requests.length, sent(proxy).length], before, 'nobody was called')
    })
  }
})
