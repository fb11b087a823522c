import t from 'tap'
import { ModelList } from '../../../src/workers-ai/models/model-list.ts'
import { ModelLists } from '../../../src/workers-ai/models/model-lists.ts'

function page (...names: string[]): object {
  return { result: names.map(name => ({ name, task: { name: 'Text Generation' } })), result_info: { total_pages: 1 } }
}

function list (fetchPage: () => Promise<unknown>): ModelList {
  return new ModelList({ fetchPage, now: () => 0, firstWaitMs: 200 })
}

const never = () => new Promise<unknown>(() => {})
const refused = async () => { throw new Error('10000') }
const LLAMA = '@cf/meta/llama-3.1-8b-instruct'

t.test('the models of all accounts, each once', async t => {
  const lists = new ModelLists([list(async () => page('@cf/a/one', '@cf/a/both')), list(async () => page('@cf/a/both', '@cf/a/two'))])
  await lists.current()
  t.strictSame((await lists.current()).map(({ id }) => id), ['@cf/a/one', '@cf/a/both', '@cf/a/two'])
  t.equal(lists.find('@cf/a/two')?.id, '@cf/a/two')
  t.equal(lists.find('@cf/a/three'), undefined)
  const ids = [...lists.ids()]
  t.equal(new Set(ids).size, ids.length)
  t.ok(ids.includes(LLAMA), 'the catalogue as well')
  t.strictSame([lists.isLive, lists.failure], [true, undefined])
})

t.test('one that is slow, or may not list, holds nobody up', async t => {
  const startedAt = performance.now()
  const lists = new ModelLists([list(never), list(refused), list(async () => page('@cf/a/one'))])
  t.strictSame((await lists.current()).map(({ id }) => id), ['@cf/a/one'])
  t.ok(performance.now() - startedAt < 150)
  t.equal(lists.failure, undefined)
})

t.test('none of them lists its models: then the catalogue is listed', async t => {
  const lists = new ModelLists([list(refused), list(refused)])
  t.ok((await lists.current()).some(({ id }) => id === LLAMA))
  t.strictSame([lists.isLive, lists.failure instanceof Error], [false, true])
})
