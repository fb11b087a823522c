import t from 'tap'
import { FrameTicker } from '../../../src/ui/shell/frame-ticker.ts'

t.test('listeners hear once for each frame', t => {
  const frames: Array<() => void> = []
  const ticker = new FrameTicker(callback => frames.push(callback))
  let count = 0
  const end = ticker.subscribe(() => { count += 1 })
  ticker.tick()
  ticker.tick()
  t.equal(count, 0)
  t.equal(frames.length, 1)
  frames.shift()?.()
  t.equal(count, 1)
  ticker.tell()
  t.equal(count, 2, 'or at once')
  end()
  ticker.tick()
  frames.shift()?.()
  t.equal(count, 2)
  t.end()
})
