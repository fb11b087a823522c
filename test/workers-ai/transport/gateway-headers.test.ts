import t from 'tap'
import { toGatewayHeaders, toMetadataHeader } from '../../../src/workers-ai/transport/gateway-headers.ts'

t.test('each option is one header, and what is not asked for has none', t => {
  const once = { 'cf-aig-max-attempts': '1' }
  const cases: Array<[name: string, options: Parameters<typeof toGatewayHeaders>[0], expected: Record<string, string>]> = [
    ['nothing', {}, once],
    ['a time to keep answers', { cacheTtlSeconds: 60 }, { ...once, 'cf-aig-cache-ttl': '60' }],
    ['no cache', { cacheTtlSeconds: 0 }, { ...once, 'cf-aig-skip-cache': 'true' }],
    ['a log without content', { logPayload: false }, { ...once, 'cf-aig-collect-log-payload': 'false' }],
    ['a log with content', { logPayload: true }, { ...once, 'cf-aig-collect-log-payload': 'true' }],
    ['no retention', { zdr: true }, { ...once, 'cf-aig-zdr': 'true' }],
    ['retention', { zdr: false }, { ...once, 'cf-aig-zdr': 'false' }],
    ['labels, which have a value for each request', { metadata: { a: 'b' } }, once]
  ]
  for (const [name, options, expected] of cases) {
    const headers = toGatewayHeaders(options)
    const pairs = Array.from({ length: headers.length / 2 }, (_, index) => headers.slice(2 * index, 2 * index + 2))
    t.strictSame(Object.fromEntries(pairs), expected, name)
  }
  t.end()
})

t.test('labels are JSON that a header takes, with names of the request in place of placeholders', t => {
  const origin = { keyLabel: 'ann', route: '/v1/chat/completions' }
  const cases: Array<[name: string, metadata: Record<string, string | number | boolean>, expected: string]> = [
    ['fixed ones', { team: 'web', tier: 2, beta: true }, '{"team":"web","tier":2,"beta":true}'],
    ['the key and the route', { key: '{key}', where: 'at {route}' }, '{"key":"ann","where":"at /v1/chat/completions"}'],
    ['other braces', { team: '{team}' }, '{"team":"{team}"}'],
    ['letters beyond ASCII', { team: 'é\n😀' }, '{"team":"\\u00e9\\n\\ud83d\\ude00"}']
  ]
  for (const [name, metadata, expected] of cases) t.equal(toMetadataHeader({ metadata })?.(origin), expected, name)
  t.equal(toMetadataHeader({ metadata: { key: '{key} {route}' } })?.(), '{"key":"none unknown"}', 'of a run without a request')
  const tricky = toMetadataHeader({ metadata: { key: '{key}' } })?.({ keyLabel: 'a"{route}é', route: '/' })
  t.strictSame(JSON.parse(tricky ?? ''), { key: 'a"{route}é' }, 'a name is a name')
  t.match(tricky, /^[\x20-\x7e]*$/)
  t.equal(toMetadataHeader({}), undefined)
  t.end()
})
