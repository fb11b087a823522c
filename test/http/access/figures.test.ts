import fastify from 'fastify'
import t from 'tap'
import { errorHandler } from '../../../src/surfaces/openai/error-handler.ts'
import { requireKey, requireOwnToken } from '../../../src/http/access/auth.ts'
import { guardFigures } from '../../../src/http/access/figures.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import { readSettings } from '../../../src/settings/reader.ts'
import { ask, saying, startProxy } from '../../servers/start-proxy.ts'

type Env = Record<string, string>

/** Asks the two kinds of routes, and gives each one's status and what may be seen there. */
async function look (env: Env, key: string | undefined): Promise<Array<[status: number, seen: unknown, key: unknown]>> {
  const { settings } = readSettings({ env: { UPSTREAM: 'simulator', ...env }, readFile: () => '' })
  const app = fastify()
  app.setErrorHandler(errorHandler({ suggestions: () => [] }))
  app.decorateRequest('record')
  app.decorateRequest('routeConfig')
  app.decorateRequest('apiToken', undefined)
  app.decorateRequest('caller', undefined)
  app.addHook('onRequest', async request => {
    request.record = new RequestRecord()
    request.routeConfig = request.routeOptions.config
  })
  const rule = settings.authMode === 'passthrough' ? requireOwnToken(settings.adminKeys) : requireKey(settings.apiKeys, settings.adminKeys)
  if (rule) app.addHook('onRequest', rule)
  guardFigures(app, settings)
  for (const figuresOf of ['all', 'own'] as const) {
    app.get(`/${figuresOf}`, { config: { figuresOf } }, ({ viewer, record }) => ({ sees: viewer?.onlyKey ?? 'all', key: record.key ?? null }))
  }
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
  return Promise.all(['/all', '/own'].map(async url => {
    const response = await app.inject({ url, headers })
    const { sees, key: name, error } = response.json()
    return [response.statusCode, sees ?? error.code, name]
  }))
}

const OPEN = [[200, 'all', null], [200, 'all', null]]
const CLOSED = [[403, 'admin_key_required', undefined], [403, 'admin_key_required', undefined]]
const NO_KEY = [[401, null, undefined], [401, null, undefined]]
const WRONG = [[401, 'invalid_api_key', undefined], [401, 'invalid_api_key', undefined]]
const ADMIN = [[200, 'all', 'ops'], [200, 'all', 'ops']]

t.test('who may see what', async t => {
  const keys = { API_KEYS: 'one:k1,two:k2' }
  const admins = { ADMIN_KEYS: 'ops:a1' }
  const reachable = { HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'true' }
  const passthrough = { AUTH_MODE: 'passthrough' }
  const cases: Array<[name: string, env: Env, key: string | undefined, expected: unknown]> = [
    ['keyless on loopback', {}, undefined, OPEN],
    ['keyless on loopback, with a key that clients make up', {}, 'unused', OPEN],
    ['keyless where others can reach it', reachable, undefined, CLOSED],
    ['keys, and no administrator: without one', keys, undefined, NO_KEY],
    ['keys, and no administrator: a key', keys, 'k1', [CLOSED[0], [200, 'one', 'one']]],
    ['keys, and no administrator: a wrong key', keys, 'x', WRONG],
    ['a key without a name', { API_KEYS: 'one:k1,k2' }, 'k2', [CLOSED[0], [200, 'unnamed', null]]],
    ['one of several keys without a name', { API_KEYS: 'k1,k2' }, 'k2', CLOSED],
    ['keys and administrators: none', { ...keys, ...admins }, undefined, NO_KEY],
    ['keys and administrators: a wrong one', { ...keys, ...admins }, 'x', WRONG],
    ['keys and administrators: a key', { ...keys, ...admins }, 'k2', [CLOSED[0], [200, 'two', 'two']]],
    ['keys and administrators: an administrator', { ...keys, ...admins }, 'a1', ADMIN],
    ['a key that is both', { API_KEYS: 'one:k1', ADMIN_KEYS: 'ops:k1' }, 'k1', ADMIN],
    ['administrators without keys, on loopback: none', admins, undefined, NO_KEY],
    ['administrators without keys, on loopback: one', admins, 'a1', ADMIN],
    ['administrators without keys, reachable: one', { ...reachable, ...admins }, 'a1', ADMIN],
    ['tokens of callers, and no administrator: none', passthrough, undefined, NO_KEY],
    ['tokens of callers, and no administrator: one', passthrough, 'a-token', CLOSED],
    ['tokens of callers: one of them', { ...passthrough, ...admins }, 'a-token', WRONG],
    ['tokens of callers: an administrator', { ...passthrough, ...admins }, 'a1', ADMIN]
  ]
  for (const [name, env, key, expected] of cases) t.strictSame(await look(env, key), expected, name)
})

t.test('an administrator\'s key opens no model, and is not sent to Cloudflare', async t => {
  const headers = { authorization: 'Bearer a1' }
  const cases: Array<[name: string, env: Env, status: number]> = [
    ['keys', { API_KEYS: 'k1', ADMIN_KEYS: 'a1' }, 403],
    ['a key that is both', { API_KEYS: 'a1', ADMIN_KEYS: 'a1' }, 200],
    ['keyless', { ADMIN_KEYS: 'a1' }, 200],
    ['tokens of callers', { AUTH_MODE: 'passthrough', ADMIN_KEYS: 'a1' }, 403]
  ]
  for (const [name, env, status] of cases) {
    const proxy = await startProxy(t, env)
    const response = await ask(proxy, saying('say hi'), { headers })
    t.equal(response.status, status, name)
    t.notMatch(JSON.stringify(proxy.simulator.requests.map(({ headers }) => headers)), /Bearer a1"/, `${name}: no call bears it`)
    if (status === 403) t.match(await response.json(), { error: { code: 'admin_key_only', message: /API_KEYS/ } })
  }
})
