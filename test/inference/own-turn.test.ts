import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { ownTurn } from '../../src/inference/own-turn.ts'

t.test('each has a turn of the event loop for itself, in their order', async t => {
  const turns: string[] = []
  const others = (async () => {
    for (let turn = 0; turn < 6; turn++) {
      await setImmediate()
      turns.push('other')
    }
  })()
  await Promise.all([...['a', 'b', 'c'].map(async name => {
    await ownTurn()
    turns.push(name)
  }), others])
  t.strictSame(turns.filter(turn => turn !== 'other'), ['a', 'b', 'c'])
  for (const [one, other] of [['a', 'b'], ['b', 'c']] as const) t.ok(turns.slice(turns.indexOf(one), turns.indexOf(other)).includes('other'), `others had their turn between ${one} and ${other}`)
})
