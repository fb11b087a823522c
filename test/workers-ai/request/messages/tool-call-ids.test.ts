import t from 'tap'
import type { Message } from '../../../../src/generation/request.ts'
import { toNativeCallIds } from '../../../../src/workers-ai/request/messages/tool-call-ids.ts'
import { FAMILIES } from '../../../../src/workers-ai/models/family.ts'

function calling (...ids: string[]): Message {
  return { role: 'assistant', tool_calls: ids.map(id => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })) }
}

t.test('most families take any id', t => {
  const ids = toNativeCallIds([calling('call_1')], FAMILIES.openai)
  for (const id of ['call_1', 'functions.f:0', '']) t.equal(ids(id), id, JSON.stringify(id))
  t.end()
})

t.test('mistral gets nine letters or digits for each id', t => {
  const given = ['call_abcdefghijklmnopqrstuvwx', 'call_1', 'functions.f:0', '', 'é'.repeat(500), 'abcDEF123']
  const ids = toNativeCallIds([calling(...given), { role: 'user', content: 'hi' }], FAMILIES.guided)
  for (const id of given) t.match(ids(id), /^[a-zA-Z0-9]{9}$/, JSON.stringify(id.slice(0, 40)))
  t.equal(ids('abcDEF123'), 'abcDEF123', 'one that fits stays as it is')
  t.equal(ids('call_1'), ids('call_1'), 'the same each time')
  t.equal(toNativeCallIds([calling('call_1')], FAMILIES.guided)('call_1'), ids('call_1'), 'and in each turn')
  t.match(ids('call_of_nobody'), /^[a-zA-Z0-9]{9}$/, 'also for an id no call bears')
  t.end()
})

t.test('different ids stay different', t => {
  const many = Array.from({ length: 20_000 }, (_, index) => `call_${index}`)
  const ids = toNativeCallIds([calling(...many)], FAMILIES.guided)
  t.equal(new Set(many.map(ids)).size, many.length)
  const first = ids('call_0')
  const again = toNativeCallIds([calling(first, 'call_0')], FAMILIES.guided)
  t.not(again('call_0'), again(first), 'also where one looks like the name of another')
  t.end()
})
