import t from 'tap'
import { startRecordedUpstream, toAnswer } from './servers/recorded-upstream.ts'
import { GLM, LLAMA, startProxy, type Proxy } from './servers/start-proxy.ts'

/** What validators that clients use take must not be refused here, and what is not checked is told. */
interface Case {
  name: string
  schema: Record<string, unknown>
  strict: boolean
  answers: unknown[]
  expected: unknown
  warning?: RegExp
}

const of = (a: object) => ({ type: 'object', properties: { a }, required: ['a'] })

const CASES: Case[] = [
  { name: 'decimal steps', schema: of({ type: 'number', multipleOf: 0.01 }), strict: true, answers: [{ a: 19.99 }], expected: { a: 19.99 } },
  { name: 'a pattern of Ruby and Python', schema: of({ type: 'string', pattern: '\\A[a-z]+\\z' }), strict: true, answers: [{ a: 'abc' }], expected: { a: 'abc' }, warning: /schema\.pattern dropped/ },
  { name: 'a pattern with flags inside', schema: of({ type: 'string', pattern: '(?i)^abc$' }), strict: false, answers: [{ a: 'ABC' }], expected: { a: 'ABC' }, warning: /schema\.pattern dropped/ },
  { name: 'a tuple of draft-07', schema: { $schema: 'http://json-schema.org/draft-07/schema#', ...of({ type: 'array', items: [{ type: 'string' }, { type: 'number' }] }) }, strict: false, answers: [{ a: ['x', 1] }], expected: { a: ['x', 1] } },
  { name: 'nullable beside a reference', schema: { ...of({ $ref: '#/definitions/A', nullable: true }), definitions: { A: { type: 'string' } } }, strict: false, answers: [{ a: null }], expected: { a: null } },
  { name: 'an address with letters beyond ASCII', schema: of({ type: 'string', format: 'uri' }), strict: true, answers: [{ a: 'https://de.wikipedia.org/wiki/Köln' }], expected: { a: 'https://de.wikipedia.org/wiki/Köln' } },
  { name: 'a moment without a zone', schema: of({ type: 'string', format: 'date-time' }), strict: true, answers: [{ a: '2024-05-01T10:00:00' }], expected: { a: '2024-05-01T10:00:00' } },
  { name: 'JSON before prose', schema: of({ type: 'string', maxLength: 2 }), strict: false, answers: [{ a: 'bcd' }, 'Sorry, I cannot do that.'], expected: { a: 'bcd' }, warning: /dropped/ }
]

const SURFACES = [
  { path: '/v1/chat/completions', body: (model: string, { schema, strict }: Case) => ({ model, messages: [{ role: 'user', content: 'hi' }], response_format: { type: 'json_schema', json_schema: { name: 'a', schema, strict } } }), textOf: (answer: any) => answer.choices[0].message.content },
  { path: '/v1/responses', body: (model: string, { schema, strict }: Case) => ({ model, input: 'hi', text: { format: { type: 'json_schema', name: 'a', schema, strict } } }), textOf: (answer: any) => answer.output.at(-1).content[0].text }
]

function asked (proxy: Proxy, path: string, body: object): Promise<Response> {
  return fetch(proxy.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

t.test('a right answer is given, on every surface, by models of both kinds', async t => {
  for (const one of CASES) {
    for (const [model, toNative] of [[LLAMA, (text: string) => ({ response: text })], [GLM, (text: string) => ({ choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }] })]] as const) {
      for (const { path, body, textOf } of SURFACES) {
        const { url } = await startRecordedUpstream(t, one.answers.map(answer => toAnswer(toNative(typeof answer === 'string' ? answer : JSON.stringify(answer)))))
        const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
        const response = await asked(proxy, path, body(model, one))
        const name = `${one.name}, ${path}, ${model}`
        t.equal(response.status, 200, name)
        t.strictSame(JSON.parse(textOf(await response.json())), one.expected, name)
        const warnings = response.headers.get('x-proxy-warnings') ?? ''
        if (one.warning) t.match(warnings, one.warning, name)
        else t.notMatch(warnings, /format|schema/, name)
      }
    }
  }
})

t.test('an answer that does not fit a strict schema is a 400, plain and streamed', async t => {
  const wrong: Case = { name: 'wrong', schema: of({ type: 'integer' }), strict: true, answers: [], expected: undefined }
  for (const { path, body } of SURFACES) {
    for (const stream of [false, true]) {
      const { url } = await startRecordedUpstream(t, [{ response: '{"a":"x"}' }, { response: '{"a":"y"}' }].map(toAnswer))
      const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
      const response = await asked(proxy, path, { ...body(LLAMA, wrong), stream })
      t.equal(response.status, 400, `${path}, ${stream}`)
      t.match(await response.json(), { error: { type: 'invalid_request_error', code: 'json_schema_mismatch', message: /\/a must be integer/ } })
    }
  }
})
