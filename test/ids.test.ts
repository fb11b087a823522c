import t from 'tap'
import { newCallId, newId, newItemId, toFingerprint } from '../src/ids.ts'

t.match(newId('chatcmpl-', 29), /^chatcmpl-[A-Za-z0-9]{29}$/, 'an id has its prefix and its length')
t.equal(newId('x', 0), 'x')
t.match(newCallId(), /^call_[A-Za-z0-9]{24}$/)
t.match(newItemId('resp_'), /^resp_[0-9a-f]{50}$/, 'what the Responses API keeps is named in hexadecimal digits')
t.equal(new Set(Array.from({ length: 1000 }, newCallId)).size, 1000, 'no two are the same')
t.match(toFingerprint('@cf/a/b'), /^fp_[0-9a-f]{10}$/)
t.equal(toFingerprint('@cf/a/b'), toFingerprint('@cf/a/b'), 'a model has one fingerprint')
t.not(toFingerprint('@cf/a/b'), toFingerprint('@cf/a/c'), 'another model has another')
