import t from 'tap'
import { pino } from 'pino'
import { toTraces } from '../../src/app/traces.ts'
import type { Model } from '../../src/workers-ai/models/model.ts'
import { readSettings } from '../../src/settings/reader.ts'

const models = { byId: (): Model => { throw new Error('no model is asked for') } }

t.test('nothing is made without an endpoint, and closing does not fail without a collector', async t => {
  const read = (env: Record<string, string>) => readSettings({ env: { UPSTREAM: 'simulator', ...env }, readFile: () => '' }).settings
  const simulated = { accountId: 'a', apiToken: 't', apiBaseUrl: 'http://127.0.0.1:1' }
  t.equal(await toTraces(read({}), models, pino({ level: 'silent' })), undefined)
  const settings = { ...read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }), cloudflare: simulated }
  const { traces: wanted } = settings
  if (wanted === undefined) throw new Error('traces are wanted')
  const traces = await toTraces(settings, models, pino({ level: 'silent' }))
  t.match(traces?.reader, { name: 'traces', readsCalls: true, detail: 'facts' })
  await traces?.close()
  const content = await toTraces({ ...settings, traces: { ...wanted, capturesContent: true } }, models, pino({ level: 'silent' }))
  t.match(content?.reader, { detail: 'content' })
  await content?.close()
})
