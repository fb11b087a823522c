import t from 'tap'
import { isCall, Results, toTurns } from '../../../../src/surfaces/anthropic/messages/turns.ts'

const call = (id: string) => ({ type: 'tool_use' as const, id, name: 'f', input: {} })
const result = (id: string, content = 'ok') => ({ type: 'tool_result' as const, tool_use_id: id, content })
const text = (text: string) => ({ type: 'text' as const, text })

t.test('messages of one role in a row are one turn, each block with its place', t => {
  const turns = toTurns([{ role: 'user', content: 'a' }, { role: 'user', content: [text('b')] }, { role: 'assistant', content: 'c' }, { role: 'system', content: 'd' }])
  t.strictSame(turns.map(({ role, place, blocks }) => [role, place, blocks.map(({ place }) => place)]), [
    ['user', 'messages.0', ['messages.0.content', 'messages.1.content.0']],
    ['assistant', 'messages.2', ['messages.2.content']],
    ['system', 'messages.3', ['messages.3.content']]
  ])
  t.end()
})

t.test('a turn may have any number of blocks', t => {
  const many = Array.from({ length: 200_000 }, () => text(''))
  t.equal(toTurns([{ role: 'user', content: 'a' }, { role: 'user', content: many }])[0]?.blocks.length, 200_001)
  t.end()
})

t.test('each call has its result, wherever that stands', t => {
  const turns = toTurns([
    { role: 'assistant', content: [call('1'), call('2')] },
    { role: 'system', content: 'Now.' },
    { role: 'user', content: [text('Hm'), result('2', 'two'), result('9', 'nobody\'s')] },
    { role: 'assistant', content: [call('1')] },
    { role: 'user', content: [result('1', 'second'), text('Go on')] }
  ])
  const results = new Results(turns)
  const told = turns.flatMap(({ blocks }) => blocks.filter(isCall)).map(call => {
    const found = results.of(call)
    return found && [found.block.content, found.place, found.isMoved]
  })
  t.strictSame(told, [undefined, ['two', 'messages.2.content.1', true], ['second', 'messages.4.content.0', false]])
  t.strictSame(turns[2]?.blocks.map(placed => results.isTaken(placed)), [false, true, false])
  t.end()
})
