import t from 'tap'
import { ServerEventReader, type ServerEvent } from '../../../src/ui/server/server-events.ts'

const TEXT = ': native {"response":"Ø"}\ndata: {"a":1}\n\n: keep-alive\n\nevent: x\r\ndata:o\u2028n\u2029e\r\ndata: two\r\n\r\nid: 5\n\ndata: [DONE]\n\n'
const EXPECTED: ServerEvent[] = [
  { kind: 'comment', text: 'native {"response":"Ø"}' },
  { kind: 'data', text: '{"a":1}' },
  { kind: 'comment', text: 'keep-alive' },
  { kind: 'data', text: 'o\u2028n\u2029e\ntwo' },
  { kind: 'data', text: '[DONE]' }
]

for (let size = 1; size <= TEXT.length; size++) {
  const reader = new ServerEventReader()
  const pieces = TEXT.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
  t.strictSame(pieces.flatMap(piece => reader.push(piece)), EXPECTED, `in pieces of ${size}`)
}
