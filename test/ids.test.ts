import t from 'tap'
import { newCallId, newId, newItemId, toFingerprint } from '../src/ids.ts'

t.match(newId('chatcmpl-', 29), /^chatcmpl-[A-Za-z0-9]{29}$/, 'an id has its prefix and its length')
t.equal(newId('x', 0), 'x')
t.match(newCallId(), /^call_[A-Za-z0-9]{24}$/)
t.match(newItemId('resp_'), /^resp_[0-9a-f]{50}$/, 'what the Responses API keeps is named in hexadecimal digits')
t.equal(new Set(Array.from({ length: 1000 }, newCallId)).size, 1000, 'no two are the same')
const counts = new Map<string, number>()
for (let count = 0; count < 6_200; count++) for (const letter of newId('', 100)) counts.set(letter, (counts.get(letter) ?? 0) + 1)
t.strictSame([...counts].filter(([, count]) => count < 9_200 || count > 10_800), [], 'each of the 62 letters comes as often as any other, 8 standard deviations apart at most')
t.equal(counts.size, 62)
t.match(toFingerprint('@cf/a/b'), /^fp_[0-9a-f]{10}$/)
t.equal(toFingerprint('@cf/a/b'), toFingerprint('@cf/a/b'), 'a model has one fingerprint')
t.not(toFingerprint('@cf/a/b'), toFingerprint('@cf/a/c'), 'another model has another')
