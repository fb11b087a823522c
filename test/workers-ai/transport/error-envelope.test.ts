import t from 'tap'
import { describeBody, errorIn, errorInAnswer, readJson, retryAfterSeconds, toUpstreamError } from '../../../src/workers-ai/transport/error-envelope.ts'

const REQUEST_ID = '5a0c0a5e-6d1c-4e0f-9c53-0d5a2f1b7c11'

t.test('errorIn finds the failure in every shape Cloudflare and its model servers use', t => {
  const cases = [
    {
      name: 'the envelope of the AI service',
      given: { errors: [{ message: `AiError: Ai: The estimated number of tokens exceeded this model context window limit (24000). (${REQUEST_ID})`, code: 5021 }], success: false, result: {}, messages: [] },
      expected: { message: 'The estimated number of tokens exceeded this model context window limit (24000).', code: 5021 }
    },
    {
      name: 'a code that is text',
      given: { result: null, success: false, errors: [{ code: '3040', message: 'Capacity temporarily exceeded, please try again.' }] },
      expected: { message: 'Capacity temporarily exceeded, please try again.', code: 3040 }
    },
    { name: 'errors as one object', given: { success: false, errors: { message: 'no', code: 1000 } }, expected: { message: 'no', code: 1000 } },
    { name: 'errors as strings', given: { success: false, errors: ['first', 'second'] }, expected: { message: 'first' } },
    { name: 'success: false without errors', given: { success: false, errors: [], result: null }, expected: { message: 'Cloudflare reported a failure without saying why' } },
    { name: 'errors without success', given: { errors: [{ message: 'no route', code: 7000 }] }, expected: { message: 'no route', code: 7000 } },
    {
      name: 'an OpenAI-shaped error, whose code is a name',
      given: { error: { code: 'invalid_prompt', message: `AiError: AiError: 'NoneType' object has no attribute 'startswith' (${REQUEST_ID})` } },
      expected: { message: "'NoneType' object has no attribute 'startswith'" }
    },
    { name: 'an error that is only text', given: { error: 'overloaded' }, expected: { message: 'overloaded' } },
    { name: 'an error that says nothing', given: { error: {} }, expected: { message: 'Cloudflare reported a failure without saying why' } },
    { name: "AI Gateway's list under error", given: { success: false, result: [], error: [{ code: 2001, message: 'Please configure AI Gateway' }] }, expected: { message: 'Please configure AI Gateway', code: 2001 } },
    { name: "vLLM's error object", given: { object: 'error', message: 'bad request', type: 'BadRequestError', param: null, code: 400 }, expected: { message: 'bad request', code: 400 } },
    {
      name: 'an AiError with a description',
      given: { internalCode: 1001, message: 'InferenceUpstreamError: out of luck', name: 'InferenceUpstreamError', description: 'out of luck' },
      expected: { message: 'out of luck', code: 1001 }
    },
    { name: 'an AiError by its name', given: { name: 'AiError', internalCode: 8007, httpCode: 400, message: 'AiError: too long' }, expected: { message: 'too long', code: 8007 } },
    { name: 'an AiError without a code', given: { name: 'AiError', message: 'Ai: too long' }, expected: { message: 'too long' } },
    {
      name: 'a validation message keeps its own words',
      given: { errors: [{ message: `AiError: Bad input: Error: oneOf at '/' not met, 0 matches (${REQUEST_ID})`, code: 5006 }], success: false },
      expected: { message: "Bad input: Error: oneOf at '/' not met, 0 matches", code: 5006 }
    },
    {
      name: 'an inner error as JSON text, under an outer code',
      given: { errors: [{ code: 8007, message: `AiError: AiError: {"object":"error","message":"Requested token count exceeds the model's maximum context length of 262144 tokens.","type":"BadRequestError","param":null,"code":400} (${REQUEST_ID})` }], success: false },
      expected: { message: "Requested token count exceeds the model's maximum context length of 262144 tokens.", code: 8007 }
    },
    {
      name: 'an inner error as JSON text, without an outer code',
      given: { errors: [{ message: `AiError: {"error":{"message":"maximum context length is 24000 tokens","code":400}} (${REQUEST_ID})` }] },
      expected: { message: 'maximum context length is 24000 tokens', code: 400 }
    },
    { name: 'inner JSON that is no error stays text', given: { error: '{"detail":"odd"}' }, expected: { message: '{"detail":"odd"}' } },
    { name: 'inner text that only begins like JSON stays text', given: { error: '{oops' }, expected: { message: '{oops' } },
    { name: 'a message of nothing but wrapping', given: { error: 'AiError: Ai: ' }, expected: { message: 'Cloudflare reported a failure without saying why' } },
    { name: 'a message that is no text', given: { error: { message: { deep: true }, code: 3.5 } }, expected: { message: 'Cloudflare reported a failure without saying why' } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(errorIn(given), expected, name)
  t.end()
})

t.test('errorIn takes ordinary answers for what they are', t => {
  const cases = [
    { name: 'a successful envelope', given: { result: { response: 'hi' }, success: true, errors: [], messages: [] } },
    { name: 'a successful envelope with a remark', given: { result: {}, success: true, errors: [{ message: 'deprecated soon' }] } },
    { name: 'a classic frame', given: { response: 'hi', p: 'abc' } },
    { name: 'a frame that is about errors', given: { response: 'error', tool_calls: [{ name: 'AiError', arguments: {} }] } },
    { name: 'an OpenAI-shaped frame with error: null', given: { object: 'chat.completion.chunk', choices: [], error: null } },
    { name: 'an empty list of errors', given: { errors: [] } },
    { name: 'an array', given: [{ label: 'POSITIVE', score: 1 }] },
    { name: 'null', given: null },
    { name: 'text', given: 'error' },
    { name: 'nothing', given: undefined }
  ]
  for (const { name, given } of cases) t.equal(errorIn(given), undefined, name)
  t.end()
})

t.test('a failure message carries no addresses, ids, credentials or pages', t => {
  const id = '0123456789abcdef0123456789abcdef'
  const cases = [
    {
      name: 'the path of an account',
      given: `Could not route to /client/v4/accounts/${id}/ai/run/@cf/x/y, perhaps your object identifier is invalid?`,
      expected: 'Could not route to [address], perhaps your object identifier is invalid?'
    },
    { name: 'a path relative to the API', given: 'No route for accounts, see "/accounts/my-account/ai"', expected: 'No route for accounts, see "[address]"' },
    { name: 'an address', given: `GET https://gateway.ai.cloudflare.com/v1/${id}/gw failed`, expected: 'GET [address] failed' },
    { name: 'an id by itself', given: `account ${id} is blocked`, expected: 'account [id] is blocked' },
    { name: 'an echoed authorization header', given: 'headers: authorization: Bearer abc.def-123, accept: */*', expected: 'headers: authorization: Bearer [token], accept: */*' },
    { name: 'a web page', given: '<!DOCTYPE html><html><body>secret</body></html>', expected: 'Cloudflare reported a failure without saying why' },
    { name: 'a long message is cut', given: 'word '.repeat(1_000), expected: 'word '.repeat(200).trim() }
  ]
  for (const { name, given, expected } of cases) t.equal(errorIn({ error: given })?.message, expected, name)

  const started = process.cpuUsage()
  const huge = ['a', ' ', '/accounts', 'AiError: ', '('].map(text => errorIn({ error: text.repeat(1_000_000) })?.message.length ?? 0)
  t.ok(huge.every(length => length <= 1_000), 'megabytes are cut')
  t.ok(process.cpuUsage(started).user < 1_000_000, 'and do not take long')
  t.end()
})

t.test('toUpstreamError reads the failure, or describes what came instead without quoting it', t => {
  const json = 'application/json'
  const cases = [
    { name: 'an envelope', given: { status: 429, contentType: json, text: '{"success":false,"errors":[{"code":3040,"message":"AiError: busy"}]}' }, expected: { message: 'busy', code: 3040 } },
    { name: 'JSON by another name', given: { status: 400, contentType: 'text/plain', text: ' {"error":"odd"}' }, expected: { message: 'odd' } },
    { name: 'a web page', given: { status: 502, contentType: 'text/html; charset=UTF-8', text: '<html>cf-error-details</html>' }, expected: { message: 'Cloudflare answered 502 with a web page instead of JSON' } },
    { name: 'a page without a content type', given: { status: 403, contentType: '', text: '\n<!DOCTYPE html>' }, expected: { message: 'Cloudflare answered 403 with a web page instead of JSON' } },
    { name: 'plain text of the edge', given: { status: 504, contentType: 'text/plain', text: 'error code: 504' }, expected: { message: 'Cloudflare answered 504 with something other than JSON' } },
    { name: 'nothing', given: { status: 500, contentType: '', text: '' }, expected: { message: 'Cloudflare answered 500 with an empty body' } },
    { name: 'cut JSON', given: { status: 500, contentType: json, text: '{"errors":[{"mess' }, expected: { message: 'Cloudflare answered 500 with JSON that does not parse' } },
    { name: 'JSON that explains nothing', given: { status: 500, contentType: json, text: '{"detail":[]}' }, expected: { message: 'Cloudflare answered 500 without saying why' } }
  ]
  for (const { name, given, expected } of cases) {
    const { message, kind, status, code, retryAfter } = toUpstreamError({ ...given, retryAfter: 7 })
    t.strictSame({ message, kind, status, code, retryAfter }, { code: undefined, ...expected, kind: 'refused', status: given.status, retryAfter: 7 }, name)
  }
  t.equal(describeBody({ status: 200, contentType: 'image/png', text: '\ufffdPNG' }), 'Cloudflare answered 200 with something other than JSON', 'describeBody also serves successes')
  t.end()
})

t.test('readJson reads objects and arrays only', t => {
  const cases = [
    { name: 'an object', given: ' {"a":1}\n', expected: { a: 1 } },
    { name: 'an array', given: '[1]', expected: [1] },
    { name: 'a string', given: '"a"', expected: undefined },
    { name: 'null', given: 'null', expected: undefined },
    { name: 'a page', given: '<html>', expected: undefined },
    { name: 'cut JSON', given: '{"a":', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.strictSame(readJson(given), expected, name)
  t.end()
})

t.test('retryAfterSeconds reads seconds and HTTP dates', t => {
  const now = new Date('2026-11-20T10:00:00.000Z')
  const cases = [
    { name: 'seconds', given: '120', expected: 120 },
    { name: 'no wait', given: ' 0 ', expected: 0 },
    { name: 'part of a second', given: '1.5', expected: 1.5 },
    { name: 'a date to come', given: 'Fri, 20 Nov 2026 10:00:30 GMT', expected: 30 },
    { name: 'a date that has passed', given: 'Fri, 20 Nov 2026 09:00:00 GMT', expected: 0 },
    { name: 'a negative number', given: '-5', expected: undefined },
    { name: 'a number beyond reason', given: '9'.repeat(400), expected: undefined },
    { name: 'words', given: 'soon', expected: undefined },
    { name: 'words that end like a date', given: 'soon GMT', expected: undefined },
    { name: 'nothing', given: '', expected: undefined },
    { name: 'no header', given: undefined, expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.equal(retryAfterSeconds(given, now), expected, name)
  t.end()
})

t.test('of a whole answer the result is looked at, too', t => {
  const failure = { object: 'error', message: 'bad', code: 400 }
  t.strictSame(errorInAnswer({ success: true, result: failure }), { message: 'bad', code: 400 })
  t.strictSame(errorInAnswer(failure), { message: 'bad', code: 400 })
  for (const answer of [{ success: true, result: { response: 'hi' } }, { result: null }, { result: 'error' }, [], {}]) t.equal(errorInAnswer(answer), undefined, JSON.stringify(answer))
  const told = toUpstreamError({ status: 200, contentType: 'application/json', text: JSON.stringify({ success: true, result: failure }) }, sentence => sentence.toUpperCase())
  t.match(told, { kind: 'refused', status: 200, code: 400, message: 'BAD' })
  t.end()
})
