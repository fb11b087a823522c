import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { SUMMARY_QUESTION, toCompactedContent, toRecalledText, toSummary } from '../../../../src/surfaces/openai/responses/compaction.ts'

t.test('what was compacted is read again, to the letter', t => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), summary => {
    const content = toCompactedContent(summary)
    return /^[\w-]+$/.test(content) && toSummary(content) === summary
  }))
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32('Hi'))
  t.equal(toCompactedContent('Hi'), Buffer.concat([Buffer.from([1]), checksum, Buffer.from('Hi')]).toString('base64url'), 'a version, a checksum, the text')
  t.end()
})

t.test('nothing else is read', t => {
  const content = toCompactedContent('The user wants a haiku.')
  const bytes = Buffer.from(content, 'base64url')
  for (let index = 0; index < bytes.length; index++) {
    const damaged = Buffer.from(bytes)
    damaged.writeUInt8(bytes.readUInt8(index) ^ 1, index)
    t.equal(toSummary(damaged.toString('base64url')), undefined, `byte ${index} is another`)
  }
  for (const other of ['', 'x', 'AQAAAAA', content.slice(0, -1), content.slice(1), `${content}A`, `${content}=`, `${content}\n`, ` ${content}`, `${content.slice(0, 9)}!${content.slice(9)}`, 'gAAAAABm-another-server', 'é']) t.equal(toSummary(other), undefined, JSON.stringify(other))
  t.end()
})

t.test('a model is asked for a summary, and told it as one', t => {
  t.match(SUMMARY_QUESTION, /summary/)
  t.match(toRecalledText('All done.'), /summary of it:\n\nAll done\.$/)
  t.end()
})
