import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startProxy } from '../servers/start-proxy.ts'

const VISION = '@cf/meta/llama-4-scout-17b-16e-instruct'

/** Something inside that must not be called; how often it was. */
async function startInside (t: Test): Promise<{ port: number, calls: () => number }> {
  let calls = 0
  const server = createServer(socket => {
    calls++
    socket.end('HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 0\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => { server.close() })
  return { port: (server.address() as AddressInfo).port, calls: () => calls }
}

/** Loopback in all its spellings, the inside of networks and clouds, and what is no web at all. */
function innerUrls (port: number): string[] {
  const hosts = [
    '127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::]', '127.1', '127.0.1', '2130706433', '0x7f000001', '0x7f.0.0.1', '017700000001', '0177.0.0.1', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '127.0.0.1.', 'LOCALHOST', 'localhost.', '127.127.127.127', '①②⑦.⓪.⓪.①',
    '169.254.169.254', '[fd00:ec2::254]', '10.0.0.1', '172.16.0.1', '192.168.0.1', '100.100.100.200', '[fe80::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]'
  ]
  return [
    ...hosts.flatMap(host => [`http://${host}:${port}/a.png`, `http://${host}/a.png`]),
    `http://user:pass@127.0.0.1:${port}/`, `http://example.com@127.0.0.1:${port}/`, `http://127.0.0.1:${port}#@example.com/`, `http://127.0.0.1:${port}\\@example.com/`, `https://127.0.0.1:${port}/`,
    'file:///etc/passwd', 'FILE:///etc/passwd', 'ftp://127.0.0.1/', `gopher://127.0.0.1:${port}/_x`, 'dict://127.0.0.1:11211/', 'unix:/var/run/docker.sock', '/etc/passwd', '//127.0.0.1/a.png', `ws://127.0.0.1:${port}/`, 'blob:http://127.0.0.1/x', 'javascript:alert(1)', ''
  ]
}

const input = (url: string) => [{ role: 'user', content: [{ type: 'input_text', text: 'say hi' }, { type: 'input_image', image_url: url }] }]

const ENDPOINTS: Record<string, (url: string) => object> = {
  '/v1/chat/completions': url => ({ model: VISION, messages: [{ role: 'user', content: [{ type: 'text', text: 'say hi' }, { type: 'image_url', image_url: { url } }] }] }),
  '/v1/responses': url => ({ model: VISION, input: input(url) }),
  '/v1/responses/compact': url => ({ model: VISION, input: input(url) })
}

for (const FETCH_REMOTE_IMAGES of ['false', 'true']) {
  t.test(`nothing inside is called for an image${FETCH_REMOTE_IMAGES === 'true' ? ', where images are fetched' : ''}`, async t => {
    const inside = await startInside(t)
    const proxy = await startProxy(t, { FETCH_REMOTE_IMAGES })
    for (const [path, toBody] of Object.entries(ENDPOINTS)) {
      const answers = await Promise.all(innerUrls(inside.port).map(async url => {
        const response = await fetch(proxy.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(toBody(url)) })
        return { url, status: response.status, text: await response.text() }
      }))
      t.strictSame(answers.filter(({ status }) => status !== 400).map(({ url, status }) => `${url}: ${status}`), [], path)
      t.strictSame(answers.filter(({ text }) => /ECONN|ENOTFOUND|EAI_|root:/.test(text)), [], `${path}: nothing is told of what is there`)
    }
    t.equal(inside.calls(), 0)
    t.strictSame(proxy.simulator.requests, [])
  })
}

t.test('by default no image is fetched from the web either', async t => {
  const proxy = await startProxy(t, {}, {}, { remoteImages: { lookup: () => t.fail('a name is looked up') as never } })
  for (const [path, toBody] of Object.entries(ENDPOINTS)) {
    const response = await fetch(proxy.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(toBody('https://example.com/a.png')) })
    t.equal(response.status, 400, path)
    t.match(await response.json(), { error: { type: 'invalid_request_error', message: /FETCH_REMOTE_IMAGES|data/ } })
  }
})
