import t from 'tap'
import { SURFACES, toSurface } from '../../../src/ui/translation/surfaces.ts'
import { startProxy } from '../../servers/start-proxy.ts'

t.test('each API translates its sample, and has something to show', async t => {
  const proxy = await startProxy(t)
  for (const { name, path, sample } of SURFACES) {
    const response = await fetch(`${proxy.url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-dry-run': 'true' },
      body: JSON.stringify(sample('@cf/meta/llama-3.3-70b-instruct-fp8-fast', '@cf/baai/bge-m3'))
    })
    const { object, changes } = await response.json() as { object: string, changes: unknown[] }
    t.equal(object, 'workers_ai.dry_run', name)
    t.ok(changes.length > 0, name)
  }
})

t.equal(toSurface('messages').path, 'v1/messages')
t.equal(toSurface('nothing').name, 'chat')
