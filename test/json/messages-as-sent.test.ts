import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { GenerationRequest } from '../../src/generation/request.ts'
import { loadCheckers } from '../../src/json/json-schema.ts'
import { keptMessagesJson, letGoOfMessages, parseAsSent } from '../../src/json/messages-as-sent.ts'
import type { PromptJson } from '../../src/workers-ai/request/native-json.ts'
import { toBody, toRunRequest, type RunRequestOptions } from '../../src/workers-ai/request/run-request.ts'
import { toText } from '../../src/workers-ai/transport/request-body.ts'
import { modelOf } from '../workers-ai/request/model-of.ts'
import { runs } from '../property-runs.ts'

await loadCheckers()

const LONG = 'A proxy "sits"\nin between. '.repeat(1_000)
const OPTIONS: RunRequestOptions = { defaultMaxTokens: 4_096, maxChoices: 8, unsupportedParams: 'warn', emulateTools: true, rejectIfBusy: false }

/** What a body says, and the JSON that is kept of its messages. */
function read (text: string | Buffer): { body: GenerationRequest, kept: PromptJson | undefined } {
  const bytes = Buffer.from(text)
  const body = JSON.parse(bytes.toString()) as GenerationRequest
  const asSent = parseAsSent(bytes) as GenerationRequest | undefined
  if (asSent !== undefined) assert.deepStrictEqual(asSent, body)
  return { body: asSent ?? body, kept: asSent && keptMessagesJson(asSent.messages) }
}

function history (...contents: string[]): object[] {
  return contents.map(content => ({ role: 'user', content }))
}

t.test('messages are kept when they are written as they would be again', t => {
  const messages = history(LONG, 'And then?')
  const cases = [
    { name: 'behind the model', given: { model: 'm', messages } },
    { name: 'first', given: { messages, model: 'm', tools: [{ type: 'function' }] } },
    { name: 'behind plain members', given: { model: 'm', stream: true, temperature: -0.5, stop: null, messages } },
    { name: 'of any language', given: { model: 'ü', messages: history(LONG, 'süß', '漢字', '😀'), user: '→' } },
    { name: 'of several roles', given: { messages: ['system', 'user', 'assistant', 'developer'].map(role => ({ role, content: LONG })) } },
    { name: 'with text about messages', given: { messages: history(LONG, '"},{"role":"user","messages":[', '\\ud83d \\', '\\"') } },
    { name: 'empty ones among them', given: { messages: history(LONG, '', '') } }
  ]
  for (const { name, given } of cases) {
    const { body, kept } = read(JSON.stringify(given))
    const expected = JSON.stringify(body.messages)
    t.ok(kept, name)
    if (kept === undefined) continue
    t.equal(toText(kept.json), expected, name)
    t.strictSame(kept.size, { bytes: Buffer.byteLength(expected), characters: expected.length }, `${name}: the size`)
  }
  t.end()
})

t.test('messages are not kept otherwise', t => {
  const plain = JSON.stringify({ model: 'm', messages: history(LONG, 'hi') })
  const cases: Array<{ name: string, given: string | Buffer }> = [
    { name: 'a short body', given: JSON.stringify({ messages: history('hi') }) },
    { name: 'white space', given: plain.replace('"content":"hi"', '"content": "hi"') },
    { name: 'another order', given: plain.replace('"role":"user","content":"hi"', '"content":"hi","role":"user"') },
    { name: 'another member', given: plain.replace('"hi"', '"hi","name":"me"') },
    { name: 'a member twice', given: plain.replace('"hi"', '"hi","content":"ho"') },
    { name: 'a role twice', given: plain.replace('"hi"', '"hi","role":"user"') },
    { name: 'no text', given: plain.replace('"hi"', 'null') },
    { name: 'parts', given: plain.replace('"hi"', '[{"type":"text","text":"hi"}]') },
    { name: 'half of a pair', given: plain.replace('"hi"', '"\\ud83d"') },
    { name: 'an escape that is written in another way', given: plain.replace('"hi"', '"\\u0041\\/"') },
    { name: 'bytes that are no UTF-8', given: Buffer.from(plain.replace('"hi"', '"\xff"'), 'latin1') },
    { name: 'a second list', given: plain.replace(/\}$/, ',"messages":[{"role":"user","content":"ho"}]}') },
    { name: 'a second list by a name with an escape', given: plain.replace(/\}$/, ',"\\u006dessages":[{"role":"user","content":"ho"}]}') },
    { name: "another one's messages before them", given: plain.replace('{', `{"metadata":{"messages":${JSON.stringify(history(LONG))}},`) },
    { name: 'more escapes than are counted', given: JSON.stringify({ messages: history('\n'.repeat(5_000_000)) }) },
    { name: 'no messages', given: JSON.stringify({ input: LONG }) },
    { name: 'no object', given: JSON.stringify(LONG) },
    { name: 'an empty list', given: JSON.stringify({ messages: [], user: LONG }) }
  ]
  for (const { name, given } of cases) t.notOk(read(given).kept, name)
  t.end()
})

t.test('whatever a body looks like, what is kept is what would be written', t => {
  const content = fc.string({ unit: fc.constantFrom('a', '"', '\\', '/', '\n', '\u0001', 'ü', '😀', '}', '{', ',', ':', 'role', 'content', 'messages') })
  const messages = fc.array(fc.record({ role: fc.constantFrom('user', 'assistant', 'system'), content }), { minLength: 1, maxLength: 5 })
  const snippets = ['"', ',', ' ', '\\', '{', '}', '[', ']', '"a":1,', ',"role":"user"', ',"content":"x"', '},{', ',"messages":[]', '\\u0041', '\\ud83d']
  const edits = fc.array(fc.record({ at: fc.nat(), cut: fc.nat({ max: 2 }), put: fc.constantFrom('', ...snippets) }), { maxLength: 2 })
  let found = 0
  fc.assert(fc.property(messages, edits, fc.boolean(), (messages, edits, isFirst) => {
    const text = JSON.stringify(isFirst ? { messages, model: 'm' } : { model: 'm', messages })
    const edited = edits.reduce((text, { at, cut, put }) => text.slice(0, at % text.length) + put + text.slice(at % text.length + cut), text)
    // Long enough, behind all that was edited.
    const long = edited.replace(/\}$/, `,"user":"${'x'.repeat(20_000)}"}`)
    try {
      JSON.parse(long)
    } catch {
      return true
    }
    const { body, kept } = read(long)
    if (kept !== undefined) found++
    return kept === undefined || toText(kept.json) === JSON.stringify(body.messages)
  }), { numRuns: runs(2_000) })
  t.ok(found > runs(2_000) / 20, `${found} were kept`)
  t.end()
})

t.test('a long list is read in pieces, wherever they end', t => {
  const word = fc.constantFrom('a', '"', '\\', '"},{"role":"user', '},{"role":"', '\n', 'ü', '😀', ']', 'word '.repeat(5_000), 'ü'.repeat(70_000))
  const content = fc.array(word, { maxLength: 6 }).map(words => words.join(''))
  fc.assert(fc.property(fc.array(content, { minLength: 1, maxLength: 40 }), fc.nat({ max: 70_000 }), (contents, more) => {
    const tail = 'x'.repeat(more)
    const { body, kept } = read(JSON.stringify({ model: 'm', messages: history(LONG, ...contents), user: `${tail}"},{"role":"` }))
    assert.equal(toText(kept?.json ?? ''), JSON.stringify(body.messages))
  }), { numRuns: runs(200) })
  t.end()
})

t.test('a long list that breaks off or goes wrong in a later piece is none', t => {
  const whole = JSON.stringify({ model: 'm', messages: history(...Array.from({ length: 20 }, () => LONG)) })
  t.throws(() => parseAsSent(Buffer.from(whole.slice(0, -30_000))) ?? JSON.parse(whole.slice(0, -30_000)), SyntaxError, 'cut')
  t.equal(parseAsSent(Buffer.from(whole.replace(/"role":"user"(?=[^{]*\]\})/, '"role":"user","name":"me"'))), undefined, 'with another member in its last message')
  const bytes = Buffer.from(whole)
  parseAsSent(bytes)
  t.equal(bytes.toString(), whole, 'its bytes are as they were')
  t.end()
})

t.test('what is sent is the same, whether they are kept or not', t => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]
  const roles = ['system', 'user', 'assistant', 'developer', 'user'] as const
  const messages = roles.map(role => ({ role, content: LONG }))
  const requests = [
    { messages },
    { messages: messages.slice(0, 3) },
    { messages, tools },
    { messages, response_format: { type: 'json_object' } },
    { messages, n: 2, seed: 3 }
  ]
  for (const request of requests) {
    for (const name of ['classic', 'classic-2025', 'guided', 'openai', 'gpt-oss'] as const) {
      for (const options of [OPTIONS, { ...OPTIONS, truncate: true }, { ...OPTIONS, followUp: [{ role: 'user' as const, content: 'Again.' }] }]) {
        const model = modelOf(name, { contextWindow: 20_000 })
        const { body, kept } = read(JSON.stringify({ model: 'm', ...request }))
        const [asSent, anew] = [body, structuredClone(body)].map(chat => {
          const run = toRunRequest(chat, model, options)
          return { run: { ...run, inputs: [] }, body: toText(toBody(run, { stream: true, choice: 0, baseSeed: 1 })) }
        })
        t.ok(kept)
        t.strictSame(asSent, anew, `${name}: ${Object.keys(request).join(', ')}`)
      }
    }
  }
  t.end()
})

t.test('messages that were let go are read again when they are asked for', t => {
  const given = { model: 'm', messages: history(LONG, 'süß "quoted"\n😀', 'And then?'), user: 'u' }
  const { body, kept } = read(JSON.stringify(given))
  const before = body.messages
  letGoOfMessages(body)
  const again = body.messages
  t.not(again, before, 'from their JSON')
  t.equal(body.messages, again, 'once')
  t.strictSame(body, given)
  t.equal(keptMessagesJson(again), kept, 'and their JSON is still known')
  letGoOfMessages(body)
  t.equal(JSON.stringify(body), JSON.stringify(given), 'as often as it is done')
  t.end()
})

t.test('a copy of the messages is written anew, for it may be changed', t => {
  const { body, kept } = read(JSON.stringify({ model: 'm', messages: history(LONG, 'And then?') }))
  t.ok(kept)
  for (const copy of [[...body.messages], body.messages.slice(1), body.messages.map(message => ({ ...message }))]) t.equal(keptMessagesJson(copy), undefined)
  t.equal(keptMessagesJson({ ...body }.messages), kept, 'another body has the same messages')
  t.end()
})

t.test('messages that were not kept stay', t => {
  const messages = history('hi')
  const body = { messages }
  letGoOfMessages(body)
  t.equal(Object.getOwnPropertyDescriptor(body, 'messages')?.value, messages)
  t.end()
})
