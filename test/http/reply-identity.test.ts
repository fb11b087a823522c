import t from 'tap'
import { newCallId, newId } from '../../src/http/reply-identity.ts'

t.match(newId('chatcmpl-', 29), /^chatcmpl-[A-Za-z0-9]{29}$/, 'an id has its prefix and its length')
t.equal(newId('x', 0), 'x')
t.match(newCallId(), /^call_[A-Za-z0-9]{24}$/)
t.equal(new Set(Array.from({ length: 1000 }, newCallId)).size, 1000, 'no two are the same')
