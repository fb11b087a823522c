import t from 'tap'
import { ProcessFamilies, toText } from '../../../src/telemetry/metrics/process-metrics.ts'
import { RedisFamilies } from '../../../src/telemetry/metrics/redis-families.ts'

t.test('they are told from the beginning, and of several processes the one that fares worst', async t => {
  const [one, other] = [new RedisFamilies(), new RedisFamilies()]
  one.isUp = () => true
  const read = ({ all }: RedisFamilies) => new ProcessFamilies(undefined, all).read()
  t.match(await toText([await read(one)]), /^workers_ai_proxy_redis_up 1\n[^]*^workers_ai_proxy_redis_seconds_count 0$/m)
  for (const seconds of [0.0004, 0.002, 0.3]) one.observe(seconds)
  other.observe(0.002)
  const text = await toText([await read(one), await read(other)])
  for (const line of ['_up 0', '_seconds_bucket{le="0.0005"} 1', '_seconds_bucket{le="0.0025"} 3', '_seconds_bucket{le="0.25"} 3', '_seconds_bucket{le="+Inf"} 4', '_seconds_count 4']) {
    t.ok(text.includes(`workers_ai_proxy_redis${line}\n`), line)
  }
})
