import Fastify from 'fastify'
import t from 'tap'
import { warnOfPartialUsage } from '../../../src/http/replies/partial-usage.ts'
import type { Rows } from '../../../src/stores/ledger/ledger.ts'

t.test('usage that is not whole says so, and other usage says nothing', async t => {
  const app = Fastify()
  const answers: Record<string, Rows> = { '/partial': Object.assign([], { isPartial: true as const }), '/whole': [] }
  for (const [path, rows] of Object.entries(answers)) {
    app.get(path, async (_, reply) => {
      warnOfPartialUsage(reply, rows)
      return {}
    })
  }
  t.equal((await app.inject('/partial')).headers['x-proxy-warnings'], 'usage partial')
  t.equal((await app.inject('/whole')).headers['x-proxy-warnings'], undefined)
})
