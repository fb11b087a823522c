import t from 'tap'
import type { ListedModel } from '../../../../src/inference/models.ts'
import { toModelList, toModelObject } from '../../../../src/surfaces/anthropic/models/list.ts'

const listed = (name: string, model: object = {}): ListedModel => ({ name, isRetired: false, model: { id: `@cf/a/${name}`, task: 'text-generation', ...model } as never })
const models = ['a', 'b', 'c', 'd', 'e'].map(name => listed(name))
const ids = (query: object) => {
  const { data, has_more: more, first_id: first, last_id: last } = toModelList(models, query)
  return [data.map(({ id }) => id).join(''), more, first, last]
}

t.test('a model is told as Anthropic tells one', t => {
  t.strictSame(toModelObject(listed('claude-sonnet-5', { id: '@cf/zai-org/glm-4.7-flash', created: 1_769_817_600, contextWindow: 131_072 })), {
    type: 'model', id: 'claude-sonnet-5', display_name: 'claude-sonnet-5 (glm-4.7-flash)', created_at: '2026-01-31T00:00:00Z', max_input_tokens: 131_072, max_tokens: null
  })
  t.match(toModelObject(listed('@cf/a/x', { id: '@cf/a/x', maxOutputTokens: 100 })), { display_name: 'x', created_at: '1970-01-01T00:00:00Z', max_input_tokens: null, max_tokens: 100 })
  t.end()
})

t.test('a list comes in pages, in both directions', t => {
  t.strictSame(ids({}), ['abcde', false, 'a', 'e'])
  t.strictSame(ids({ limit: '2' }), ['ab', true, 'a', 'b'])
  t.strictSame(ids({ limit: '2', after_id: 'b' }), ['cd', true, 'c', 'd'])
  t.strictSame(ids({ limit: '2', after_id: 'd' }), ['e', false, 'e', 'e'])
  t.strictSame(ids({ limit: '2', before_id: 'd' }), ['bc', true, 'b', 'c'])
  t.strictSame(ids({ after_id: 'e' }), ['', false, null, null])
  for (const [query, message] of [[{ limit: '0' }, /^limit: /], [{ limit: '1001' }, /^limit: /], [{ limit: 'x' }, /^limit: /], [{ after_id: 'z' }, /^after_id: 'z'/], [{ before_id: 'z' }, /^before_id: 'z'/], [{ after_id: ['a', 'b'] }, /^after_id: /], [{ before_id: ['a', 'b'] }, /^before_id: /], [{ limit: ['1', '2'] }, /^limit: /]] as const) {
    t.throws(() => ids(query), { message, status: 400 })
  }
  t.end()
})

t.test('what does not chat is not in it', t => {
  t.strictSame(toModelList([listed('a', { task: 'text-embeddings' })], {}), { data: [], has_more: false, first_id: null, last_id: null })
  t.end()
})
