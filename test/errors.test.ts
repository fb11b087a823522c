import t from 'tap'
import { invalid, InvalidRequestError, ProxyError, quoted } from '../src/errors.ts'

const nameOf = (place: string) => place.replace('messages[0]', 'input[3]').replace('response_format', 'text.format')

t.test('an error names its place as its reader does, in its message too', async t => {
  const error = invalid('messages[0].content', 'too large.', 'invalid_value')
  t.match(error, { message: "Invalid 'messages[0].content': too large.", param: 'messages[0].content', status: 400 })
  t.match(error.named(nameOf), { message: "Invalid 'input[3].content': too large.", param: 'input[3].content', status: 400, code: 'invalid_value' })
})

t.test('nothing in a sentence changes but the places it was made from', async t => {
  const sentence = (place: string) => `Invalid schema for ${place} '${quoted('response_format')}': x`
  const error = new ProxyError(sentence, { status: 400, type: 'invalid_request_error', param: 'response_format', headers: { a: 'b' } })
  t.match(error.named(nameOf), { message: "Invalid schema for text.format 'response_format': x", param: 'text.format', headers: { a: 'b' } })
  t.match(error.named(nameOf).toLogged(), { message: "Invalid schema for text.format '…': x" })
  const words = new ProxyError("Cloudflare says 'response_format'.", { status: 400, type: 'invalid_request_error', param: 'response_format' })
  t.match(words.named(nameOf), { message: "Cloudflare says 'response_format'.", param: 'text.format' })
})

t.test('a sentence may name other places', async t => {
  const error = new InvalidRequestError((name, nameOf) => `'${name}' needs '${nameOf('response_format')}'.`, { param: 'messages[0]' })
  t.equal(error.named(nameOf).message, "'input[3]' needs 'text.format'.")
})

t.test('an error is the same where its place has no other name', async t => {
  for (const error of [invalid('tools', 'x'), new InvalidRequestError('x')]) t.equal(error.named(nameOf), error)
})
