import t from 'tap'
import { isOff } from '../../src/generation/off-values.ts'

t.test('what turns off, or asks for what happens anyway, is off', t => {
  const off: Array<[string, unknown]> = [
    ['anything', null], ['anything', undefined], ['anything', {}], ['logit_bias', {}], ['stop', []],
    ['min_p', 0], ['top_k', 0], ['top_k', -1], ['top_p', 1], ['typical_p', 1], ['repetition_penalty', 1], ['frequency_penalty', 0],
    ['mirostat', 0], ['dry_multiplier', 0], ['ignore_eos', false], ['skip_special_tokens', true], ['modalities', ['text']], ['n', 1], ['user', '']
  ]
  for (const [name, value] of off) t.ok(isOff(name, value), `${name}: ${JSON.stringify(value)}`)
  t.end()
})

t.test('everything else asks for something', t => {
  const on: Array<[string, unknown]> = [
    ['web_search_options', {}], ['anything', 0], ['anything', false], ['constructor', 1], ['min_p', 0.1], ['min_p', '0'], ['top_k', 1], ['top_p', 0],
    ['logit_bias', { 50256: -100 }], ['stop', ['a']], ['skip_special_tokens', false], ['modalities', ['text', 'audio']], ['n', 2], ['user', 'u']
  ]
  for (const [name, value] of on) t.notOk(isOff(name, value), `${name}: ${JSON.stringify(value)}`)
  t.end()
})

t.test('a list of millions takes no time', t => {
  const long = new Array(3_000_000).fill(0)
  const start = performance.now()
  t.notOk(isOff('anything', long))
  t.ok(performance.now() - start < 500)
  t.end()
})
