import t from 'tap'
import { isForPerson, newLogger, toLoggedError } from '../../src/telemetry/logger.ts'

function logged (log: (logger: ReturnType<typeof newLogger>) => void, logLevel: 'trace' | 'info' = 'trace'): string {
  let text = ''
  log(newLogger({ logLevel }, { write: line => { text += line } }))
  return text
}

t.test('fields that bear the name of a credential are blotted out', t => {
  const secret = 'secret-0815'
  const error = Object.assign(new Error('failed'), { headers: { authorization: secret }, apiToken: secret })
  const lines: object[] = [
    { authorization: secret }, { headers: { authorization: secret, cookie: secret } }, { req: { headers: { 'x-api-key': secret }, url: `/v1/models?key=${secret}` } },
    { settings: { apiKeys: [{ key: secret }], cloudflare: { apiToken: secret, gateway: { id: 'gw' } } } }, { options: { apiToken: secret } }, { err: error }, { rawHeaders: ['authorization', secret] },
    { redis: { url: `redis://:${secret}@a` } }, { settings: { redis: { url: `redis://:${secret}@a` } } }
  ]
  for (const line of lines) {
    const text = logged(logger => logger.info(line, 'message'))
    t.notMatch(text, secret)
    t.match(JSON.parse(text), { msg: 'message', level: 30 })
  }
  t.end()
})

t.test('other fields stay, and so does the level', t => {
  t.match(JSON.parse(logged(logger => logger.info({ model: 'm', upstream: { status: 200 } }, 'request'))), { model: 'm', upstream: { status: 200 } })
  t.equal(logged(logger => logger.debug({ model: 'm' }, 'no'), 'info'), '')
  t.end()
})

t.test('an error is told by its name, its code and where it came from: its message may quote a caller', t => {
  const broken = Object.assign(new SyntaxError('Invalid regular expression: /sesame\n    at sesame/'), { code: 'ERR_BROKEN', input: 'sesame' })
  const cause = new Error('no sesame', { cause: broken })
  let text = ''
  const logger = newLogger({ logLevel: 'info' }, { write: line => { text += line } })
  logger.error({ err: broken }, 'failed')
  logger.error({ err: cause }, 'failed')
  logger.fatal(broken, 'uncaught exception')
  logger.error({ err: toLoggedError(broken) }, 'failed')
  logger.error({ err: toLoggedError('sesame') }, 'failed')
  t.notMatch(text, /sesame/)
  const lines = text.trimEnd().split('\n').map(line => JSON.parse(line))
  for (const index of [0, 2, 3]) t.match(lines[index], { err: { type: 'SyntaxError', code: 'ERR_BROKEN', stack: /logger\.test/ } })
  t.strictSame(lines[4].err, { type: 'string' })
  t.end()
})

t.test('a person is who sits at a terminal, and no collector of what containers say', t => {
  const person = { isTerminal: true, env: {}, pid: 7, parentPid: 6 }
  const cases = [
    { name: 'a terminal', format: 'auto', given: {}, expected: true },
    { name: 'a pipe or a file', format: 'auto', given: { isTerminal: false }, expected: false },
    { name: 'the first process of a container with a terminal', format: 'auto', given: { pid: 1, parentPid: 0 }, expected: false },
    { name: 'the child of an init of one', format: 'auto', given: { parentPid: 1 }, expected: false },
    { name: 'Kubernetes', format: 'auto', given: { env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } }, expected: false },
    { name: 'JSON at a terminal', format: 'json', given: {}, expected: false },
    { name: 'pretty in a pipe', format: 'pretty', given: { isTerminal: false, pid: 1 }, expected: true }
  ] as const
  for (const { name, format, given, expected } of cases) t.equal(isForPerson(format, { ...person, ...given }), expected, name)
  t.end()
})
