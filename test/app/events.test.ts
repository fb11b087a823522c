import { pino } from 'pino'
import t from 'tap'
import { toEngine } from '../../src/app/engine.ts'
import { toEventFeed } from '../../src/app/events.ts'
import { readSettings } from '../../src/settings/reader.ts'

const ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-the-account' }

t.test('requests are told of only where somebody may listen', t => {
  const cases: Array<[Record<string, string>, boolean]> = [
    [{}, true],
    [{ PAGE: 'false' }, true],
    [{ API_KEYS: 'k' }, true],
    [{ ADMIN_KEYS: 'a', AUTH_MODE: 'passthrough' }, true],
    [{ AUTH_MODE: 'passthrough' }, false],
    [{ HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }, false]
  ]
  for (const [env, expected] of cases) {
    const { settings } = readSettings({ env: { ...ACCOUNT, ...env }, readFile: () => '' })
    const { models } = toEngine(settings, pino({ level: 'silent' }))
    t.equal(toEventFeed(settings, { models, link: undefined }) !== undefined, expected, JSON.stringify(env))
  }
  t.end()
})
