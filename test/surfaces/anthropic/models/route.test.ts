import t from 'tap'
import { GLM, LLAMA, startProxy } from '../../../servers/start-proxy.ts'

t.test('models are told in the form of the API that is spoken', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: JSON.stringify({ 'claude-sonnet-5': GLM }), CORS_ORIGINS: 'https://page.example' })
  const get = async (path: string, headers: Record<string, string> = { 'anthropic-version': '2023-06-01' }) => {
    const response = await fetch(proxy.url + path, { headers })
    return { status: response.status, vary: response.headers.get('vary'), id: response.headers.get('request-id'), body: await response.json() as any }
  }
  const { body, vary, id } = await get('/v1/models?limit=1000')
  t.match(body.data[0], { type: 'model', id: 'claude-sonnet-5', display_name: 'claude-sonnet-5 (glm-4.7-flash)', max_input_tokens: 131_072 })
  t.match(body, { has_more: false, first_id: 'claude-sonnet-5', last_id: String })
  t.match(vary, /anthropic-version/)
  t.match(id, /^req_/)
  t.equal((await get('/v1/models')).body.data.length, 20)
  t.match((await get(`/v1/models/${LLAMA}`)).body, { type: 'model', id: LLAMA })
  t.match((await get(`/v1/models/${encodeURIComponent(LLAMA)}`)).body, { type: 'model', id: LLAMA })
  t.match((await get('/v1/models/claude-sonnet-5')).body, { type: 'model', id: 'claude-sonnet-5' })
  t.match(await get('/v1/models/claude-x'), { status: 404, body: { type: 'error', error: { type: 'not_found_error', message: /claude-x/ } } })
  t.match(await get('/v1/models?limit=0'), { status: 400, body: { type: 'error', error: { message: /^limit: / } } })
  const openai = await get('/v1/models', {})
  t.match(openai.body, { object: 'list' })
  t.match(openai.vary, /anthropic-version/)
  t.match(await get(`/v1/models/${LLAMA}`, { origin: 'https://page.example' }), { vary: /Origin, anthropic-version/i, body: { object: 'model' } })
  t.match(await get('/openai/v1/models'), { body: { object: 'list' } }, 'other prefixes are OpenAI\'s alone')
  t.match(await get('/v1/nothing', {}), { status: 404, vary: /anthropic-version/, body: { error: { message: /Invalid URL/ } } })
  t.match(await get('/v1/nothing'), { status: 404, vary: /anthropic-version/, body: { error: { type: 'not_found_error' } } })
})
