import t from 'tap'
import { HiddenThinking } from '../../src/stages/hidden-thinking.ts'

t.test('thinking is left out, and nothing else', t => {
  const stage = new HiddenThinking()
  t.equal(stage.isTransparent, true)
  const text = { type: 'text', text: 'a' } as const
  const finish = { type: 'finish', reason: 'stop' } as const
  t.strictSame(stage.push([{ type: 'reasoning', text: 'Hm' }, text, finish]), [text, finish])
  t.end()
})
