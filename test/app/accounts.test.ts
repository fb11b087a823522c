import t from 'tap'
import { ERROR_CODES } from '../../src/workers-ai/transport/error-codes.ts'
import { listen } from '../servers/event-client.ts'
import { askRaw, waited } from '../servers/http-client.ts'
import { ask, post, saying, type Proxy } from '../servers/start-proxy.ts'
import { refusal, SECRETS, startAccounts, startWithAccounts, toSetting, toStream, type Accounts } from '../servers/two-accounts.ts'

const USED_UP = refusal(4006, 429, 'you have used up your daily free allocation of 10,000 neurons')
const PAID_ONLY = '@cf/moonshotai/kimi-k2.6'
const EMBEDDINGS = '@cf/baai/bge-m3'

const endpoints: Array<{ name: string, path: string, body: object, isTold: RegExp }> = [
  { name: 'chat', path: '/v1/chat/completions', body: saying('hi'), isTold: /"content":"hello"/ },
  { name: 'streamed chat', path: '/v1/chat/completions', body: saying('hi', { stream: true }), isTold: /"content":"hello"[^]*\[DONE\]/ },
  { name: 'Responses', path: '/v1/responses', body: { model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', input: 'hi' }, isTold: /"text":"hello"/ },
  { name: 'Messages', path: '/v1/messages', body: saying('hi', { max_tokens: 9 }), isTold: /"text":"hello"/ },
  { name: 'streamed Messages', path: '/v1/messages', body: saying('hi', { max_tokens: 9, stream: true }), isTold: /"text":"hello"[^]*message_stop/ },
  { name: 'completions', path: '/v1/completions', body: { model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', prompt: 'hi' }, isTold: /"text":"hello"/ },
  { name: 'embeddings', path: '/v1/embeddings', body: { model: EMBEDDINGS, input: 'hi' }, isTold: /"embedding":\[0.1/ }
]

async function told (answer: Promise<Response>) {
  const response = await answer
  return { status: response.status, headers: response.headers, text: await response.text() }
}

async function usageOf (proxy: Proxy) {
  const { by_account: accounts } = JSON.parse((await askRaw(proxy, '/usage')).body) as { by_account: Array<Record<string, unknown>> }
  return new Map(accounts.map(account => [account['account'], account]))
}

/** What one code of Cloudflare's leads to: which accounts this request and the next one ask. */
async function follow (proxy: Proxy, accounts: Accounts) {
  const first = await told(ask(proxy, saying('hi')))
  const after = accounts.asked().length
  accounts.answer('main', undefined)
  const second = await told(ask(proxy, saying('hi again')))
  return { statuses: [first.status, second.status], first: accounts.asked().slice(0, after), second: accounts.asked().slice(after) }
}

for (const { name, path, body, isTold } of endpoints) {
  t.test(`the second account serves what the first has no free neurons for: ${name}`, async t => {
    const accounts = await startAccounts(t)
    const proxy = await startWithAccounts(t, accounts)
    accounts.answer('main', USED_UP)
    for (const turn of [1, 2]) {
      const { status, text, headers } = await told(post(proxy, path, body))
      t.equal(status, 200, `request ${turn}`)
      t.match(text, isTold)
      t.equal(headers.get('x-proxy-account'), 'backup')
    }
    t.strictSame(accounts.asked(), ['main', 'backup', 'backup'], 'which the first is spared from then on')
  })
}

t.test('a stream that begins with the refusal moves too', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts)
  const failure = { success: false, errors: [{ code: 4006, message: 'you have used up your daily free allocation' }] }
  accounts.answer('main', toStream(JSON.stringify(failure)))
  const { status, text } = await told(ask(proxy, saying('hi', { stream: true })))
  t.equal(status, 200)
  t.match(text, /"content":"hello"[^]*\[DONE\]/)
  t.strictSame(accounts.asked(), ['main', 'backup'])
  accounts.answer('backup', toStream(JSON.stringify(failure)))
  const last = await told(ask(proxy, saying('hi', { stream: true })))
  t.match([last.status, last.text], [429, /insufficient_quota/])
  t.strictSame(accounts.asked().slice(2), ['backup'])
})

t.test('what has begun stays', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts)
  accounts.answer('main', toStream('{"response":"so far"}', '{"success":false,"errors":[{"code":4006,"message":"used up"}]}'))
  const { text } = await told(ask(proxy, saying('hi', { stream: true })))
  t.match(text, /so far[^]*"error"/)
  t.notMatch(text, /\[DONE\]/)
  t.strictSame(accounts.asked(), ['main'])
})

const cases: Array<{ codes: Array<[code: number | undefined, status: number]>, statuses: number[], first: string[], second: string[], why: string }> = [
  { codes: [[4006, 429], [3036, 429]], statuses: [200, 200], first: ['main', 'backup'], second: ['backup'], why: 'out until midnight' },
  { codes: [[10000, 401], [9109, 403], [6003, 400], [6111, 400], [undefined, 401], [2009, 401], [7003, 404], [3023, 403]], statuses: [200, 200], first: ['main', 'backup'], second: ['backup'], why: 'out until a probe' },
  { codes: [[3040, 429], [undefined, 429], [2003, 429], [undefined, 503]], statuses: [200, 200], first: ['main', 'backup'], second: ['backup'], why: 'rests for a little' },
  { codes: [[5035, 403], [5016, 403], [5018, 403], [3041, 403]], statuses: [200, 200], first: ['main', 'backup'], second: ['backup'], why: 'not this model' },
  { codes: [[5006, 400], [8001, 400], [5004, 400], [5005, 405], [5021, 413], [5023, 400], [5025, 400], [3003, 400], [3006, 413], [3030, 400]], statuses: [400, 200], first: ['main'], second: ['main'], why: 'the request is at fault' },
  { codes: [[5007, 400], [3042, 404], [7000, 400], [7001, 404]], statuses: [404, 200], first: ['main'], second: ['main'], why: 'no account has the model' }
]

for (const { codes, statuses, first, second, why } of cases) {
  for (const [code, status] of codes) {
    t.test(`${code ?? 'no code'} with ${status}: ${why}`, async t => {
      const accounts = await startAccounts(t)
      const proxy = await startWithAccounts(t, accounts, { MAX_RETRIES: '0' })
      accounts.answer('main', refusal(code, status, ERROR_CODES.find(row => row.code === code)?.sentence))
      const found = await follow(proxy, accounts)
      if (statuses[0] === 400) t.ok(found.statuses[0] === 400 || found.statuses[0] === 413 || found.statuses[0] === 405, `its own status: ${found.statuses[0]}`)
      else t.strictSame(found.statuses, statuses)
      t.strictSame({ first: [...new Set(found.first)], second: found.second }, { first, second })
    })
  }
}

t.test('all out is a quota that is used up, until the first of them comes back', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts)
  for (const name of ['main', 'backup'] as const) accounts.answer(name, USED_UP)
  const first = await told(ask(proxy, saying('hi')))
  t.match([first.status, JSON.parse(first.text)], [429, { error: { type: 'insufficient_quota', code: 'insufficient_quota' } }])
  const { status, headers, text } = await told(ask(proxy, saying('hi')))
  t.equal(status, 429)
  t.match(JSON.parse(text), { error: { code: 'insufficient_quota', message: /No Cloudflare account .*used up/ } })
  const untilMidnight = Math.ceil(Date.now() / 86_400_000) * 86_400 - Date.now() / 1_000
  const seconds = Number(headers.get('retry-after'))
  t.ok(seconds >= untilMidnight - 2 && seconds <= untilMidnight + 7, `until 00:00 UTC: ${seconds} s`)
  t.equal(headers.get('x-should-retry'), 'false')
  const messages = await told(post(proxy, '/v1/messages', saying('hi', { max_tokens: 9 })))
  t.match([messages.status, JSON.parse(messages.text)], [429, { error: { type: 'rate_limit_error' } }])
  t.strictSame(accounts.asked(), ['main', 'backup'], 'and none is asked again')
  t.match((await usageOf(proxy)).get('main'), { out_reason: 'cloudflare', free_remaining: 0 })
})

t.test('a bad token is told to whoever runs the proxy, and to nobody else', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts)
  accounts.answer('main', run => refusal(10000, 401, `Authentication error for ${run.target} with ${run.headers.authorization}`))
  for (let count = 0; count < 3; count++) t.equal((await told(ask(proxy, saying('hi')))).status, 200)
  t.strictSame(accounts.asked(), ['main', 'backup', 'backup', 'backup'])
  t.match(proxy.lines().filter(({ level }) => level === 50), [{ account: 'main', code: 10000, msg: /refuses the account 'main'/ }])
  t.equal((await askRaw(proxy, '/readyz')).status, 200)
  t.match((await usageOf(proxy)).get('main'), { out_reason: 'credentials' })
  accounts.answer('backup', refusal(7003, 404))
  const { status, headers, text } = await told(ask(proxy, saying('hi')))
  t.match([status, text], [429, /Cloudflare refuses the credentials of all of them/])
  const seconds = Number(headers.get('retry-after'))
  t.ok(seconds > 290 && seconds <= 300, `until the next probe: ${seconds}`)
  for (const secret of SECRETS) t.notMatch(proxy.log() + text, secret)
})

t.test('conversations stay with their account, and go back to it', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { ACCOUNT_ROUTING: 'spread' })
  const turns = (topic: number) => ask(proxy, { model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', messages: [{ role: 'system', content: 'be brief' }, { role: 'user', content: `topic ${topic}` }] })
  for (let topic = 0; topic < 20; topic++) await told(turns(topic))
  const places = accounts.asked()
  t.strictSame([...new Set(places)].sort(), ['backup', 'main'], 'both serve')
  for (let topic = 0; topic < 20; topic++) await told(turns(topic))
  t.strictSame(accounts.asked().slice(20), places)
})

t.test('what is for the paid plan goes there first', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { CLOUDFLARE_ACCOUNTS: toSetting({ backup: { plan: 'paid' } }) })
  await told(ask(proxy, saying('hi', { model: PAID_ONLY })))
  await told(ask(proxy, saying('hi')))
  t.strictSame(accounts.asked(), ['backup', 'main'])
})

t.test('the guard looks for an account with neurons left, and refuses when there is none', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { FREE_NEURONS_GUARD: 'refuse', FREE_NEURONS_PER_DAY: '10' })
  const billed = { body: { success: true, result: { response: 'hello', usage: { prompt_tokens: 1, completion_tokens: 1 } } }, headers: { 'cf-ai-neurons': '10' } }
  accounts.answer('main', billed)
  accounts.answer('backup', billed)
  for (const [count, name] of ['main', 'backup'].entries()) {
    t.equal((await told(ask(proxy, saying('hi')))).headers.get('x-proxy-account'), name)
    await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length > count)
  }
  const { status, text } = await told(ask(proxy, saying('hi')))
  t.match([status, text], [429, /proxy's accounts together on free neurons per day \(free_allocation\): limit 20, used 20/])
  t.strictSame(accounts.asked(), ['main', 'backup'])
  const usage = await usageOf(proxy)
  t.match([usage.get('main'), usage.get('backup')], [{ neurons: 10, free_limit: 10, out_reason: 'free_allocation' }, { neurons: 10, out_reason: 'free_allocation' }])
})

t.test('one that breaks is left alone after three failures', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { MAX_RETRIES: '1' })
  accounts.answer('main', { status: 500, body: 'Internal server error' })
  for (let count = 0; count < 4; count++) t.equal((await told(ask(proxy, saying('hi')))).status, 200)
  t.strictSame(accounts.asked(), ['main', 'backup', 'main', 'backup', 'main', 'backup', 'backup'])
})

t.test('figures, lines and events name the account', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { API_KEYS: 'ann:sk-ann-1234', ADMIN_KEYS: 'boss:sk-boss-1234,ann2:sk-both-1234' })
  accounts.answer('main', USED_UP)
  const asAnn = await told(ask(proxy, saying('hi'), { headers: { authorization: 'Bearer sk-ann-1234' } }))
  t.equal(asAnn.headers.get('x-proxy-account'), null, 'not for everybody')
  await waited(() => proxy.lines().some(({ msg }) => msg === 'request'))
  t.match(proxy.lines().find(({ msg }) => msg === 'request'), { account: 'backup', status: 200 })
  const metrics = await (await fetch(`${proxy.url}/metrics`, { headers: { authorization: 'Bearer sk-boss-1234' } })).text()
  t.match(metrics, /upstream_calls_total\{account="main",model="[^"]+",outcome="code_4006"\} 1/)
  t.match(metrics, /upstream_calls_total\{account="backup",model="[^"]+",outcome="ok"\} 1/)
  t.match(metrics, /account_neurons_remaining\{account="main"\} 0/)
  t.match(metrics, /account_out\{account="main",reason="cloudflare"\} 1/)
  t.match(metrics, /account_out\{account="backup",reason="cloudflare"\} 0/)
  for (const secret of SECRETS) t.notMatch(metrics + proxy.log(), secret)
})

t.test('each goes through its own AI Gateway, whose rate limit is that of all its models', async t => {
  const accounts = await startAccounts(t)
  const gateway = { id: 'lab', token: 'token-of-the-gateway-0815' }
  const proxy = await startWithAccounts(t, accounts, {
    CLOUDFLARE_ACCOUNTS: toSetting({ main: { gateway } }),
    CLOUDFLARE_AI_GATEWAY_BASE_URL: accounts.url.replace('/client/v4', '/v1')
  })
  accounts.answer('main', { status: 429, contentType: 'text/plain', body: 'Too many requests' })
  await told(ask(proxy, saying('hi')))
  await told(post(proxy, '/v1/embeddings', { model: EMBEDDINGS, input: 'hi' }))
  t.strictSame(accounts.asked(), ['main', 'backup', 'backup'])
  t.match(accounts.runs.map(({ target, headers }) => [target.split('/')[1], headers['cf-aig-authorization']]), [['v1', `Bearer ${gateway.token}`], ['client', undefined]])
})

t.test('who listens to events is told the account, if it may see all', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { API_KEYS: 'ann:sk-ann-1234', ADMIN_KEYS: 'boss:sk-boss-1234' })
  const [boss, ann] = await Promise.all(['boss', 'ann'].map(name => listen(t, proxy, { authorization: `Bearer sk-${name}-1234` })))
  await told(ask(proxy, saying('hi'), { headers: { authorization: 'Bearer sk-ann-1234' } }))
  await waited(() => boss?.requests.length === 1 && ann?.requests.length === 1)
  t.strictSame([boss?.requests[0]?.['account'], ann?.requests[0]?.['account']], ['main', undefined])
})

t.test('one that answers nobody holds nobody up', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { UPSTREAM_HEADERS_TIMEOUT_MS: '150', UPSTREAM_IDLE_TIMEOUT_MS: '150' })
  accounts.answer('main', { body: '', end: 'never' })
  t.equal((await told(ask(proxy, saying('hi')))).status, 504, 'what was slow would be slow again')
  accounts.answer('main', { status: 500, body: 'broken', end: 'reset' })
  t.equal((await told(ask(proxy, saying('hi')))).status, 200)
})

t.test('a dry run asks no account, and a cached answer names none', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts, { ANSWER_CACHE_TTL_SECONDS: '60' })
  const dry = await told(ask(proxy, saying('hi'), { headers: { 'x-dry-run': 'true' } }))
  t.match([dry.status, accounts.asked()], [200, []])
  const body = { model: EMBEDDINGS, input: 'hi' }
  const first = await told(post(proxy, '/v1/embeddings', body))
  const second = await told(post(proxy, '/v1/embeddings', body))
  t.strictSame([first, second].map(({ headers }) => headers.get('x-proxy-account')), ['main', null])
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === 3)
  t.match((await usageOf(proxy)).get('none'), { requests: 1, cache_hits: 1 })
})

t.test('the models are those of all accounts, and a slow one holds nobody up', async t => {
  const accounts = await startAccounts(t)
  const proxy = await startWithAccounts(t, accounts)
  const { status, body } = await askRaw(proxy, '/v1/models')
  t.equal(status, 200)
  t.match(body, /llama-3.3-70b/)
})
