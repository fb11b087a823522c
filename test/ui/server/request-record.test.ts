import t from 'tap'
import { asksModel, isFailure, toDropped, toIdentity, toRecord } from '../../../src/ui/server/request-record.ts'

t.match(toRecord('{"id":"a","ended_at":1,"status":200,"more":true}'), { id: 'a' })
for (const text of ['', '5', 'null', '{"id":"a"}', '{"id":5,"ended_at":1,"status":200}']) t.equal(toRecord(text), undefined, text)

t.equal(toDropped('{"count":12}'), 12)
for (const text of ['', 'null', '{}', '{"count":"12"}', '{"id":"a","count":3}']) t.equal(toDropped(text), 0, text)

t.ok(isFailure({ status: 500, error: null }))
t.ok(isFailure({ status: 200, error: 'truncated' }), 'a stream that broke had begun well')
t.notOk(isFailure({ status: 200, error: null }))

t.ok(asksModel({ operation: 'chat' }))
t.notOk(asksModel({ operation: 'chat', dry_run: true }))
t.notOk(asksModel({ operation: null }))
t.not(toIdentity({ id: 'a', ended_at: 1, status: 200 }), toIdentity({ id: 'a', ended_at: 2, status: 200 }))
