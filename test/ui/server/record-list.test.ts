import t from 'tap'
import { MAX_KEPT, RecordList } from '../../../src/ui/server/record-list.ts'

const record = (id: number) => ({ id: String(id), ended_at: id, status: 200 })

t.test('the newest record is first, and none is there twice', t => {
  const list = new RecordList()
  list.add([record(1), record(2)])
  list.add([record(1), record(2), record(3)])
  t.strictSame(list.records.map(({ id }) => id), ['3', '2', '1'])
  t.equal(list.find('2')?.id, '2')
  t.equal(list.find('9'), undefined)
  t.equal(list.find(undefined), undefined)
  list.add([{ ...record(3), ended_at: 9 }])
  t.equal(list.records.length, 4, 'a client may choose one id twice')
  t.equal(list.find('3')?.ended_at, 9)
  list.clear()
  t.strictSame(list.records, [])
  t.end()
})

t.test('it does not grow without end', t => {
  const list = new RecordList()
  list.add(Array.from({ length: MAX_KEPT }, (_, index) => record(index)))
  list.add([record(MAX_KEPT)])
  t.equal(list.records.length, MAX_KEPT)
  t.equal(list.find('0'), undefined)
  t.equal(list.records[0]?.id, String(MAX_KEPT))
  t.end()
})
