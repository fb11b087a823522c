import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { openStores } from '../../src/app/stores.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { openLedger } from '../../src/stores/ledger/open.ts'
import { RedisLedger } from '../../src/stores/ledger/redis.ts'
import type { Redis } from '../../src/stores/redis/redis.ts'
import { RedisStore } from '../../src/stores/responses/redis.ts'
import { LinkedLedger } from '../../src/usage/linked-usage.ts'

const LOGGER = pino({ level: 'silent' })
const ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-the-account' }

function toSettings (env: Record<string, string> = {}) {
  return readSettings({ env: { ...ACCOUNT, ...env }, readFile: () => '' }).settings
}

t.test('a ledger that was given is used, and one of several processes asks the primary', async t => {
  const ledger = await openLedger(toSettings(), Date.now, LOGGER)
  t.equal((await openStores(toSettings(), LOGGER, { ledger })).ledger, ledger)
  const link = { tell: () => {}, ask: async () => undefined, answer: () => {}, hear: () => {} }
  t.type((await openStores(toSettings(), LOGGER, { link })).ledger, LinkedLedger)
})

t.test('where there is a Redis, it holds both, and a file is said to hold nothing', async t => {
  const lines: string[] = []
  const logger = { warn: (_: object, message: string) => { lines.push(message) } } as unknown as FastifyBaseLogger
  const redis = { key: () => '', onBack: () => () => {} } as unknown as Redis
  const settings = toSettings({ STORE_PATH: join(tmpdir(), 'never-made.db'), REDIS_URL: 'redis://127.0.0.1:1' })
  const { store, ledger } = await openStores(settings, logger, { redis })
  t.type(store, RedisStore)
  t.type(ledger, RedisLedger)
  t.equal(existsSync(join(tmpdir(), 'never-made.db')), false)
  t.match(lines, [/^STORE_PATH is not used/])
  const link = { tell: () => {}, ask: async () => undefined, answer: () => {}, hear: () => {} }
  t.type((await openStores(settings, logger, { redis, link })).ledger, LinkedLedger, 'of several processes, the primary writes')
  t.equal(lines.length, 1, 'and says so')
})

t.test('a file that is no database stops the start, and names the setting', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'stores-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'not.db')
  writeFileSync(path, 'This is text, and a good deal longer than the header of a database would be.'.repeat(20))
  await t.rejects(openStores(toSettings({ STORE_PATH: path }), LOGGER), /STORE_PATH/)
})
