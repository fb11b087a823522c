import t from 'tap'
import { isAnswered, isSelect, toNotices, toReason, toServerFacts, toUrlProblem } from '../../../src/stores/redis/server-facts.ts'

const INFO = '# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n'

t.test('a server says what it is', async t => {
  t.strictSame(toServerFacts(INFO), { name: 'redis', version: '7.0.15', policy: 'noeviction', isCluster: false })
  const valkey = 'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nredis_mode:cluster\r\n'
  t.strictSame(toServerFacts(valkey), { name: 'valkey', version: '8.0.1', policy: undefined, isCluster: true })
  t.strictSame(toServerFacts(''), { name: 'redis', version: 'unknown', policy: undefined, isCluster: false })
})

t.test('one that drops keys, or is old, is warned of', async t => {
  t.strictSame(toNotices(toServerFacts(INFO)), [])
  t.strictSame(toNotices(toServerFacts('redis_version:unknown')), [])
  t.match(toNotices(toServerFacts('redis_version:6.2.1\r\nmaxmemory_policy:allkeys-lru\r\n')), [/allkeys-lru/, /6\.2\.1/])
  for (const policy of ['volatile-ttl', 'noeviction']) t.strictSame(toNotices(toServerFacts(`redis_version:7.4\nmaxmemory_policy:${policy}\n`)), [])
})

t.test('a reason has nothing of what was sent', async t => {
  const reasonOf = (message: string, code?: string) => toReason(Object.assign(new Error(message), code !== undefined && { code }))
  t.equal(reasonOf('connect ECONNREFUSED 10.0.0.1:6379', 'ECONNREFUSED'), 'ECONNREFUSED')
  t.equal(reasonOf('Command timed out'), 'timeout')
  t.equal(reasonOf("ERR unknown command 'x', with args beginning with: 'secret'"), 'ERR')
  t.equal(reasonOf('LOADING Redis is loading the dataset in memory'), 'LOADING')
  t.equal(reasonOf('Connection is closed.'), 'closed')
  t.equal(toReason('secret'), 'unknown')
})

t.test('an error is of one command, or of the server', async t => {
  const isReply = (message: string) => isAnswered(Object.assign(new Error(message), { name: 'ReplyError' }))
  for (const word of ['ERR', 'WRONGTYPE', 'NOSCRIPT', 'EXECABORT', 'BUSYKEY']) t.equal(isReply(`${word} it says`), true, word)
  for (const word of ['LOADING', 'MASTERDOWN', 'READONLY', 'OOM', 'MISCONF', 'BUSY', 'NOPERM', 'NOAUTH', 'MOVED']) t.equal(isReply(`${word} it says`), false, word)
  t.equal(isAnswered(new Error('ERR it says')), false)
  t.equal(isAnswered('ERR it says'), false)
})

t.test('what is the fault of the address names the setting', async t => {
  const cases: Array<{ message: string, code?: string, expected: RegExp | undefined }> = [
    { message: 'WRONGPASS invalid username-password pair or user is disabled.', expected: /refuses the user name or the password/ },
    { message: 'ERR invalid password', expected: /refuses the user name or the password/ },
    { message: 'NOAUTH Authentication required.', expected: /wants a password/ },
    { message: "NOPERM this user has no permissions to run the 'eval' command", expected: /may not do/ },
    { message: 'Unknown RESP type 72 "H"', expected: /does not speak the protocol/ },
    { message: 'wrong version number', code: 'ERR_SSL_WRONG_VERSION_NUMBER', expected: /does not speak TLS/ },
    { message: 'self-signed certificate in certificate chain', code: 'SELF_SIGNED_CERT_IN_CHAIN', expected: /certificate of Redis is not trusted/ },
    { message: 'x', code: 'ERR_TLS_CERT_ALTNAME_INVALID', expected: /certificate of Redis is not trusted/ },
    { message: 'connect ECONNREFUSED', code: 'ECONNREFUSED', expected: undefined },
    { message: 'getaddrinfo ENOTFOUND redis', code: 'ENOTFOUND', expected: undefined },
    { message: 'LOADING Redis is loading the dataset in memory', expected: undefined },
    { message: 'Command timed out', expected: undefined }
  ]
  for (const { message, code, expected } of cases) {
    const problem = toUrlProblem(Object.assign(new Error(message), code !== undefined && { code }), 'wap:')
    if (expected === undefined) t.equal(problem, undefined, message)
    else t.match(problem, { name: 'REDIS_URL', message: expected }, message)
  }
  const refused = Object.assign(new Error('ERR DB index is out of range'), { command: { name: 'select', args: ['99'] } })
  t.ok(isSelect(refused))
  t.match(toUrlProblem(refused, 'wap:'), { message: /database/ })
  t.equal(toUrlProblem('x', 'wap:'), undefined)
})
