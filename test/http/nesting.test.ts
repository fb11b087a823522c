import fastify from 'fastify'
import t from 'tap'
import { refuseDeepNesting } from '../../src/http/nesting.ts'

const KINDS = {
  lists: (levels: number) => '['.repeat(levels) + ']'.repeat(levels),
  objects: (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)
}

for (const [kind, nested] of Object.entries(KINDS)) {
  t.test(`${kind} are read 200 levels deep, and refused beyond`, async t => {
    const app = fastify()
    refuseDeepNesting(app)
    app.post('/', async () => 'read')
    const answerTo = async (levels: number) =>
      (await app.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload: nested(levels) })).body
    t.equal(await answerTo(200), 'read')
    t.match(await answerTo(201), /nested too deeply/)
    t.match(await answerTo(3_000), /nested too deeply/)
  })
}
