import t from 'tap'
import { isHealthCheck } from '../../../src/http/replies/health-check.ts'

for (const url of ['/health', '/livez', '/readyz']) t.equal(isHealthCheck(url), true, url)
for (const url of [undefined, '', '/', '/healthy', '/v1/models/*']) t.equal(isHealthCheck(url), false, String(url))
