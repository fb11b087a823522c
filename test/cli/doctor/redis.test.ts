import t from 'tap'
import { checkRedis } from '../../../src/cli/doctor/redis.ts'
import { freePort } from '../../servers/http-client.ts'

t.test('nothing is said where there is none', async t => {
  t.strictSame(await checkRedis({}), [])
})

t.test('one that cannot be reached is a warning, because the proxy serves without it', async t => {
  const url = `redis://:secret-0815@127.0.0.1:${await freePort()}`
  const findings = await checkRedis({ redis: { url, prefix: 'wap:', timeoutMs: 250 } })
  t.match(findings, [{ check: 'redis', verdict: 'warning', message: /cannot be reached \(ECONNREFUSED\)/ }])
  t.notMatch(JSON.stringify(findings), '0815')
})
