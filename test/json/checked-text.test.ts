import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { fromCheckedText, toCheckedText } from '../../src/json/checked-text.ts'

t.test('what was written is read again, to the letter', t => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), text => {
    const content = toCheckedText(text)
    return /^[\w-]+$/.test(content) && fromCheckedText(content) === text
  }))
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32('Hi'))
  t.equal(toCheckedText('Hi'), Buffer.concat([Buffer.from([1]), checksum, Buffer.from('Hi')]).toString('base64url'), 'a version, a checksum, the text')
  t.end()
})

t.test('no text is written, and read as none', t => {
  t.match(toCheckedText(''), /^[\w-]+$/)
  t.equal(fromCheckedText(toCheckedText('')), undefined)
  t.end()
})

t.test('nothing else is read', t => {
  const bytes = Buffer.from(toCheckedText('Let me see.'), 'base64url')
  for (let index = 0; index < bytes.length; index++) {
    const damaged = Buffer.from(bytes)
    damaged.writeUInt8(bytes.readUInt8(index) ^ 1, index)
    t.equal(fromCheckedText(damaged.toString('base64url')), undefined, `byte ${index} is another`)
  }
  for (const other of ['', 'x', 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds', 'é']) t.equal(fromCheckedText(other), undefined, JSON.stringify(other))
  t.end()
})
