import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import t from 'tap'
import { downloadImage, type DownloadOptions } from '../../src/remote-images/download.ts'
import { PNG, PNG_URI, startImageServer } from '../servers/image-server.ts'

const MEBIBYTE = 1_048_576

/** Every name is this server's, unless a test says otherwise. */
function toOptions (more: Partial<DownloadOptions> = {}): DownloadOptions {
  return { signal: new AbortController().signal, lookup: async () => ['127.0.0.1'], budget: { bytes: 100 * MEBIBYTE }, ...more }
}

t.test('an image is fetched by its URL and becomes a data URI', async t => {
  const server = await startImageServer(t)
  const asked: string[] = []
  const lookup = async (host: string) => {
    asked.push(host)
    return ['127.0.0.1']
  }
  t.equal(await downloadImage(server.url('/a%20cat.png?size=2#top'), toOptions({ lookup, exempt: server.exempt })), PNG_URI)
  t.strictSame(asked, ['images.test'], 'its host is looked up once')
  const [request] = server.requests
  t.equal(request?.url, '/a%20cat.png?size=2')
  t.strictSame({ ...request?.headers }, {
    accept: 'image/png, image/jpeg, image/webp, image/gif',
    'accept-encoding': 'identity',
    'user-agent': 'workers-ai-proxy',
    host: `images.test:${server.exempt.port}`,
    connection: 'close'
  }, 'nothing is sent that would tell who asks')
})

t.test('an address is called as it is written', async t => {
  const server = await startImageServer(t)
  const lookup = () => t.fail('an address is looked up') as never
  t.equal(await downloadImage(`http://127.0.0.1:${server.exempt.port}/`, toOptions({ lookup, exempt: server.exempt })), PNG_URI)
})

t.test('what is not on the public web is not called', async t => {
  const names: Record<string, string[]> = {
    localhost: ['127.0.0.1', '::1'],
    'localhost.': ['127.0.0.1'],
    'inside.test': ['10.1.2.3'],
    'metadata.google.internal': ['169.254.169.254'],
    'half.test': ['8.8.8.8', '192.168.1.1'],
    'half6.test': ['8.8.8.8', '::ffff:10.0.0.1'],
    'zero.test': ['0.0.0.0'],
    'odd.test': ['not an address'],
    'nowhere.test': []
  }
  const notPublic = 'its host is not on the public internet'
  const notWeb = 'only http and https URLs are fetched'
  const notPort = 'only the ports 80 and 443 are called'
  const notValid = 'its URL is not valid'
  const credentials = 'its URL contains credentials'
  const cases = [
    { given: 'http://127.0.0.1/', expected: notPublic },
    { given: 'https://127.0.0.1/', expected: notPublic },
    { given: 'http://127.1/', expected: notPublic },
    { given: 'http://127.0.1/', expected: notPublic },
    { given: 'http://127.0.0.1./', expected: notPublic },
    { given: 'http://2130706433/', expected: notPublic },
    { given: 'http://0x7f000001/', expected: notPublic },
    { given: 'http://0x7f.0.0.1/', expected: notPublic },
    { given: 'http://0x7F.0X0.0.0x1/', expected: notPublic },
    { given: 'http://017700000001/', expected: notPublic },
    { given: 'http://0177.0.0.1/', expected: notPublic },
    { given: 'http://0177.0x0.0.1/', expected: notPublic },
    { given: 'http://%31%32%37.0.0.1/', expected: notPublic },
    { given: 'http://１２７.０.０.１/', expected: notPublic },
    { given: 'http://①②⑦.0.0.1/', expected: notPublic },
    { given: 'http://127。0。0。1/', expected: notPublic },
    { given: 'http:127.0.0.1/', expected: notPublic },
    { given: 'http:\\\\127.0.0.1\\', expected: notPublic },
    { given: 'HTTP://127.0.0.1', expected: notPublic },
    { given: 'http://0/', expected: notPublic },
    { given: 'http://0.0.0.0/', expected: notPublic },
    { given: 'http://10.0.0.1/', expected: notPublic },
    { given: 'http://0xa000001/', expected: notPublic },
    { given: 'http://172.16.0.1/', expected: notPublic },
    { given: 'http://192.168.0.1/', expected: notPublic },
    { given: 'http://3232235521/', expected: notPublic },
    { given: 'http://100.64.0.1/', expected: notPublic },
    { given: 'http://169.254.169.254/latest/meta-data/', expected: notPublic },
    { given: 'http://2852039166/', expected: notPublic },
    { given: 'http://0251.0376.0251.0376/', expected: notPublic },
    { given: 'http://168.63.129.16/', expected: notPublic },
    { given: 'http://255.255.255.255/', expected: notPublic },
    { given: 'http://[::]/', expected: notPublic },
    { given: 'http://[::1]/', expected: notPublic },
    { given: 'http://[0:0:0:0:0:0:0:1]/', expected: notPublic },
    { given: 'http://[::127.0.0.1]/', expected: notPublic },
    { given: 'http://[::ffff:127.0.0.1]/', expected: notPublic },
    { given: 'http://[::ffff:7f00:1]/', expected: notPublic },
    { given: 'http://[::ffff:8.8.8.8]/', expected: notPublic },
    { given: 'http://[64:ff9b::127.0.0.1]/', expected: notPublic },
    { given: 'http://[2002:7f00:1::]/', expected: notPublic },
    { given: 'http://[fe80::1]/', expected: notPublic },
    { given: 'http://[fd00:ec2::254]/', expected: notPublic },
    { given: 'http://localhost/', expected: notPublic },
    { given: 'http://LOCALHOST/', expected: notPublic },
    { given: 'http://localhost./', expected: notPublic },
    { given: 'http://inside.test/', expected: notPublic },
    { given: 'http://metadata.google.internal/', expected: notPublic },
    { given: 'http://half.test/', expected: notPublic },
    { given: 'http://half6.test/', expected: notPublic },
    { given: 'http://zero.test/', expected: notPublic },
    { given: 'http://odd.test/', expected: notPublic },
    { given: 'http://8.8.8.8@127.0.0.1/', expected: credentials },
    { given: 'http://user:secret@8.8.8.8/', expected: credentials },
    { given: 'http://:secret@8.8.8.8/', expected: credentials },
    { given: 'http://8.8.8.8:22/', expected: notPort },
    { given: 'http://8.8.8.8:8080/', expected: notPort },
    { given: 'https://8.8.8.8:0/', expected: notPort },
    { given: 'http://[2606:4700::1]:6379/', expected: notPort },
    { given: 'http://nowhere.test/', expected: 'its host was not found' },
    { given: 'http://', expected: notValid },
    { given: 'http:///', expected: notValid },
    { given: 'http://256.256.256.256/', expected: notValid },
    { given: 'http://127.0.0.1:99999/', expected: notValid },
    { given: 'http://[::1/', expected: notValid },
    { given: 'http://[fe80::1%25lo]/', expected: notValid },
    { given: '//8.8.8.8/', expected: notValid },
    { given: 'file:///etc/passwd', expected: notWeb },
    { given: 'ftp://8.8.8.8/a.png', expected: notWeb },
    { given: 'gopher://8.8.8.8/', expected: notWeb },
    { given: 'ws://8.8.8.8/', expected: notWeb },
    { given: 'data:text/plain,hello', expected: notWeb },
    { given: 'blob:http://8.8.8.8/1', expected: notWeb },
    { given: 'javascript:1', expected: notWeb },
    { given: `http://8.8.8.8/${'a'.repeat(8_192)}`, expected: 'its URL is longer than 8192 characters' }
  ]
  const lookup = async (host: string) => names[host] ?? t.fail(`${host} is looked up`) as never
  for (const { given, expected } of cases) {
    await t.rejects(downloadImage(given, toOptions({ lookup })), { name: 'DownloadError', message: expected }, given.slice(0, 100))
  }
})

t.test('an exempt server is exempt at its address and port only', async t => {
  const server = await startImageServer(t)
  const { port } = server.exempt
  const other = await startImageServer(t)
  const cases = [
    { name: 'another port', given: `http://127.0.0.1:${other.exempt.port}/`, expected: 'only the ports 80 and 443 are called' },
    { name: 'the usual port', given: 'http://127.0.0.1/', expected: 'its host is not on the public internet' },
    { name: 'another address', given: `http://127.0.0.2:${port}/`, expected: 'its host is not on the public internet' },
    { name: 'a host that has another address, too', given: `http://both.test:${port}/`, expected: 'its host is not on the public internet' }
  ]
  const options = toOptions({ exempt: server.exempt, lookup: async () => ['127.0.0.1', '10.0.0.1'] })
  for (const { name, given, expected } of cases) {
    await t.rejects(downloadImage(given, options), { name: 'DownloadError', message: expected }, name)
  }
  t.equal(server.requests.length + other.requests.length, 0, 'nobody was called')
})

t.test('one redirect is followed', async t => {
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await startImageServer(t, (request, response) => {
      if (request.url === '/cat.png') response.writeHead(200, { 'content-type': 'image/png' }).end(PNG)
      else response.writeHead(status, { location: '/cat.png', 'set-cookie': 'a=1' }).end('moved')
    })
    t.equal(await downloadImage(server.url('/old'), toOptions({ exempt: server.exempt })), PNG_URI, String(status))
    t.equal(server.requests[1]?.headers.cookie, undefined, 'without the cookie that came with it')
  }
})

t.test('where a redirect leads is checked anew', async t => {
  const cases = [
    { location: '/old', expected: 'its server redirects more than once' },
    { location: '', expected: 'its server redirects more than once' },
    { location: undefined, expected: 'its server redirects more than once' },
    { location: 'http://10.0.0.1/', expected: 'its host is not on the public internet' },
    { location: 'http://127.0.0.1/', expected: 'its host is not on the public internet' },
    { location: 'http://[::1]/', expected: 'its host is not on the public internet' },
    { location: '//169.254.169.254/latest/meta-data/', expected: 'its host is not on the public internet' },
    { location: 'http://127.0.0.1:6379/', expected: 'only the ports 80 and 443 are called' },
    { location: 'http://user:secret@8.8.8.8/', expected: 'its URL contains credentials' },
    { location: 'file:///etc/passwd', expected: 'only http and https URLs are fetched' },
    { location: 'data:image/png;base64,iVBORw0KGgo=', expected: 'only http and https URLs are fetched' },
    { location: 'http://[', expected: 'its URL is not valid' }
  ]
  for (const { location, expected } of cases) {
    const server = await startImageServer(t, (_request, response) => {
      response.writeHead(302, location === undefined ? {} : { location }).end()
    })
    await t.rejects(downloadImage(server.url('/old'), toOptions({ exempt: server.exempt })), { name: 'DownloadError', message: expected }, location ?? 'nowhere')
  }
})

t.test('a name server that changes its mind changes nothing', async t => {
  const outside = await startImageServer(t, (request, response) => {
    if (request.url === '/moved.png') response.writeHead(302, { location: '/cat.png' }).end()
    else response.writeHead(200, { 'content-type': 'image/png' }).end(PNG)
  })
  const inside = await startImageServer(t, undefined, { host: '127.0.0.2', port: outside.exempt.port })
  let lookups = 0
  const lookup = async () => lookups++ === 0 ? ['127.0.0.1'] : ['127.0.0.2']
  t.equal(await downloadImage(outside.url(), toOptions({ lookup, exempt: outside.exempt })), PNG_URI, 'the address that was checked is the one that is called')
  t.equal(lookups, 1)

  lookups = 0
  await t.rejects(downloadImage(outside.url('/moved.png'), toOptions({ lookup, exempt: outside.exempt })), { message: 'its host is not on the public internet' }, 'and a redirect to the same host is looked up and checked again')
  t.equal(inside.requests.length, 0, 'nobody inside was called')
})

t.test('a server by https is told the name, and must prove it', async t => {
  let asked
  const server = createTlsServer({
    SNICallback: (name, done) => {
      asked = name
      done(new Error('no certificate'))
    }
  })
  server.on('tlsClientError', () => {})
  t.teardown(() => { server.close() })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await t.rejects(downloadImage(`https://images.test:${port}/`, toOptions({ exempt: { host: '127.0.0.1', port } })), { code: /^E/ })
  t.equal(asked, 'images.test')
})

t.test('only an image that is what it is called is taken', async t => {
  const send = (headers: Record<string, string>, body: Buffer | string = PNG, status = 200): RequestListener => (_request, response) => { response.writeHead(status, headers).end(body) }
  const notCalled = 'its server does not call it a PNG, JPEG, WebP or GIF'
  const refused = [
    { name: 'a page', answer: send({ 'content-type': 'text/html' }, '<html>'), expected: notCalled },
    { name: 'an SVG', answer: send({ 'content-type': 'image/svg+xml' }, '<svg/>'), expected: notCalled },
    { name: 'any bytes', answer: send({ 'content-type': 'application/octet-stream' }), expected: notCalled },
    { name: 'no type', answer: send({}), expected: notCalled },
    { name: 'a page that is called an image', answer: send({ 'content-type': 'image/png' }, '<html>'), expected: 'it is called image/png, but is none' },
    { name: 'a PNG that is called a JPEG', answer: send({ 'content-type': 'image/jpeg' }), expected: 'it is called image/jpeg, but is none' },
    { name: 'nothing', answer: send({ 'content-type': 'image/png' }, ''), expected: 'it is called image/png, but is none' },
    { name: 'something compressed', answer: send({ 'content-type': 'image/png', 'content-encoding': 'gzip' }), expected: 'its server sent it compressed' },
    { name: 'an error', answer: send({ 'content-type': 'image/png' }, PNG, 404), expected: 'its server answered 404' },
    { name: 'a part', answer: send({ 'content-type': 'image/png' }, PNG, 206), expected: 'its server answered 206' },
    { name: 'no content', answer: send({}, '', 204), expected: 'its server answered 204' },
    { name: 'another kind of redirect', answer: send({ location: '/cat.png' }, '', 300), expected: 'its server answered 300' }
  ]
  for (const { name, answer, expected } of refused) {
    const server = await startImageServer(t, answer)
    await t.rejects(downloadImage(server.url(), toOptions({ exempt: server.exempt })), { name: 'DownloadError', message: expected }, `not ${name}`)
  }
  const taken = [
    { name: 'with a parameter', answer: send({ 'content-type': 'image/png; charset=binary' }), expected: PNG_URI },
    { name: 'in capitals', answer: send({ 'content-type': 'Image/PNG' }), expected: PNG_URI },
    { name: 'as image/jpg', answer: send({ 'content-type': 'image/jpg' }, Buffer.from('ffd8ffe0', 'hex')), expected: 'data:image/jpeg;base64,/9j/4A==' },
    { name: 'encoded as it is', answer: send({ 'content-type': 'image/png', 'content-encoding': 'identity' }), expected: PNG_URI }
  ]
  for (const { name, answer, expected } of taken) {
    const server = await startImageServer(t, answer)
    t.equal(await downloadImage(server.url(), toOptions({ exempt: server.exempt })), expected, name)
  }
})

t.test('no more is read than an image may have', async t => {
  const tooLarge = { name: 'DownloadError', message: 'it is larger than 10 MiB' }
  const announced = await startImageServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': 10 * MEBIBYTE + 1 }).write(PNG)
  })
  await t.rejects(downloadImage(announced.url(), toOptions({ exempt: announced.exempt })), tooLarge, 'when the length is told')

  let written = 0
  const endless = await startImageServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png' })
    const piece = Buffer.alloc(MEBIBYTE)
    // Node tells of a connection that broke before the response counts as destroyed.
    const write = (error?: Error | null) => {
      if (error || response.destroyed) return
      written++
      response.write(piece, write)
    }
    write()
  })
  await t.rejects(downloadImage(endless.url(), toOptions({ exempt: endless.exempt })), tooLarge, 'when it is not')
  t.ok(written < 30, `and the connection is closed: ${written} MiB were sent`)

  const largest = await startImageServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.concat([PNG, Buffer.alloc(10 * MEBIBYTE - PNG.length)]))
  })
  const budget = { bytes: 10 * MEBIBYTE + 5 }
  t.match(await downloadImage(largest.url(), toOptions({ exempt: largest.exempt, budget })), /^data:image\/png;base64,iVBORw0KGgo/, 'the largest one is taken')
  t.equal(budget.bytes, 5, 'out of what the request may have')
  await t.rejects(downloadImage(largest.url(), toOptions({ exempt: largest.exempt, budget })), { message: 'the images of this request are too large together' })
})

t.test('a connection that fails is an error of Node\'s', async t => {
  const cut = await startImageServer(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/png', 'content-length': 100 }).write(PNG, () => response.destroy())
  })
  await t.rejects(downloadImage(cut.url(), toOptions({ exempt: cut.exempt })), { code: 'ECONNRESET' }, 'when it breaks')

  const answers = [
    { name: 'when the answer is no HTTP', bytes: 'SSH-2.0-OpenSSH_9.6\r\n', expected: { code: /^HPE_INVALID/ } },
    { name: 'when it changes the protocol', bytes: 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n', expected: { name: 'DownloadError', message: 'its server gave no answer' } },
    { name: 'when the header is too large', bytes: `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`, expected: { code: 'HPE_HEADER_OVERFLOW' } }
  ]
  for (const { name, bytes, expected } of answers) {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.write(bytes)
    })
    t.teardown(() => { server.close() })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await t.rejects(downloadImage(`http://images.test:${port}/`, toOptions({ exempt: { host: '127.0.0.1', port } })), expected, name)
    server.close()
    await t.rejects(downloadImage(`http://images.test:${port}/`, toOptions({ exempt: { host: '127.0.0.1', port } })), { code: 'ECONNREFUSED' }, 'when nobody is there')
  }
})

t.test('the signal ends a download wherever it is', async t => {
  const silent = await startImageServer(t, () => {})
  const dripping = await startImageServer(t, (_request, response) => { response.writeHead(200, { 'content-type': 'image/png' }).write(PNG) })
  const never: DownloadOptions['lookup'] = (_host, signal) => new Promise(resolve => signal.addEventListener('abort', () => resolve([])))
  const cases = [
    { name: 'before the name is found', server: silent, more: { lookup: never }, expected: { name: 'TimeoutError' } },
    { name: 'before the answer', server: silent, more: {}, expected: { name: 'AbortError' } },
    { name: 'inside the answer', server: dripping, more: {}, expected: { code: 'ECONNRESET' } }
  ]
  for (const { name, server, more, expected } of cases) {
    const start = Date.now()
    await t.rejects(downloadImage(server.url(), toOptions({ exempt: server.exempt, signal: AbortSignal.timeout(100), ...more })), expected, name)
    t.ok(Date.now() - start < 1_000, `${name}, and at once`)
  }
})
