import { totalmem } from 'node:os'
import t from 'tap'
import { memoryLimit } from '../../src/settings/memory-limit.ts'

const MEBIBYTE = 1_048_576

t.test('it is what there is, and what a container allows where that is less', async t => {
  t.ok(memoryLimit() > 64 * MEBIBYTE && memoryLimit() <= totalmem())
  const { constrainedMemory } = process
  t.teardown(() => { process.constrainedMemory = constrainedMemory })
  process.constrainedMemory = () => 384 * MEBIBYTE
  t.equal(memoryLimit(), 384 * MEBIBYTE)
  for (const none of [0, 2 ** 64]) {
    process.constrainedMemory = () => none
    t.ok(memoryLimit() > 64 * MEBIBYTE && memoryLimit() <= totalmem(), `${none} says nothing`)
  }
})
