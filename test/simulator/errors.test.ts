import t from 'tap'
import { NativeError, toBadInput, toEdgePage, toFailureEnvelope, toFailureIn200, toVllmRefusal } from '../../src/simulator/errors.ts'

t.strictSame(toFailureEnvelope(new NativeError(3040), 'r1'), {
  errors: [{ message: 'AiError: Capacity temporarily exceeded, please try again. (r1)', code: 3040 }],
  success: false,
  result: {},
  messages: []
}, 'Workers AI names the request in its sentence and leaves an empty result')

t.strictSame(toFailureEnvelope(new NativeError(10000), 'r1'), {
  success: false,
  errors: [{ code: 10000, message: 'Authentication error' }],
  messages: [],
  result: null
}, 'the API in front of it names nothing and leaves no result')

t.strictSame(toFailureIn200(new NativeError(3040), 'r1'), {
  result: null,
  success: false,
  errors: [{ code: 3040, message: 'AiError: Capacity temporarily exceeded, please try again. (r1)' }],
  messages: []
}, 'a failure under 200 has the same words')

const statuses = [
  [2003, 429], [3003, 400], [3006, 413], [3007, 408], [3023, 403], [3046, 408], [5012, 422], [3036, 429], [3040, 429], [3042, 404], [4006, 429], [5005, 405], [5006, 400], [5007, 400], [5016, 403],
  [5021, 413], [5025, 400], [5028, 400], [5035, 403], [7000, 400], [7003, 404], [8001, 400], [8005, 500], [8007, 400], [10000, 401], [4321, 500]
] as const
for (const [code, status] of statuses) t.equal(new NativeError(code).status, status, `code ${code} comes with status ${status}`)

t.equal(new NativeError(3046).message, 'AiError: AiError: Request timeout', 'the model\'s own time limit has a layer more')
t.equal(new NativeError(5028).message, 'This model was deprecated on 2026-05-30. Please use an alternative model.', 'some sentences stand alone')

t.equal(toBadInput("'/seed' must be >= 1").message, "AiError: Bad input: Error: '/seed' must be >= 1")
t.equal(
  toVllmRefusal('No.').message,
  'AiError: AiError: {"object":"error","message":"No.","type":"BadRequestError","param":null,"code":400}',
  'what vLLM refuses is quoted as the JSON it is'
)

t.strictSame(toEdgePage(503), {
  type: 'text/html',
  body: '<html>\r\n<head><title>503 Service Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Unavailable</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n'
}, 'the edge answers a page')
t.strictSame(toEdgePage(504), { type: 'text/plain; charset=UTF-8', body: 'error code: 504' }, 'and from 504 on one line')
