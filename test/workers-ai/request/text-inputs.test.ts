import t from 'tap'
import { toTexts } from '../../../src/workers-ai/request/text-inputs.ts'

const texts = [
  { name: 'one text', given: 'a', expected: ['a'] },
  { name: 'a list', given: ['a', 'b', 'a'], expected: ['a', 'b', 'a'] },
  { name: 'white space, which is text', given: [' '], expected: [' '] }
]
for (const { name, given, expected } of texts) t.strictSame(toTexts(given, 'input'), expected, name)

const refusals = [
  { name: 'nothing', given: '', expected: { status: 400, param: 'input', code: 'empty_string', message: "Invalid 'input': empty string. Workers AI takes texts of at least one character." } },
  { name: 'nothing among others', given: ['a', ''], expected: { param: 'input[1]', code: 'empty_string' } },
  { name: 'nothing first', given: ['', 'a'], expected: { param: 'input[0]', code: 'empty_string' } },
  { name: 'tokens', given: [1, 2, 3], expected: { status: 400, param: 'input', code: 'unsupported_value', message: /token arrays cannot be served.* Send text/ } },
  { name: 'lists of tokens', given: [[1, 2], [3]], expected: { param: 'input', code: 'unsupported_value', message: /check_embedding_ctx_length=False/ } },
  { name: 'something else among texts', given: ['a', { text: 'b' }], expected: { param: 'input[1]', code: 'invalid_type', message: "Invalid type for 'input[1]': expected a string." } },
  { name: 'a token among texts', given: ['a', 1], expected: { param: 'input[1]', code: 'invalid_type' } }
]
for (const { name, given, expected } of refusals) t.throws(() => toTexts(given, 'input'), expected, `${name} is refused`)
t.throws(() => toTexts([1], 'prompt'), { param: 'prompt', message: /Send text\.$/ }, 'the help is for those who embed')
