import t from 'tap'
import type { ResponseItemList, ResponseObject } from '../../../../src/surfaces/openai/responses/wire.ts'
import { exchange } from '../../../servers/http-client.ts'
import { faultsOf } from '../../../openai-schemas.ts'
import { respond } from '../../../streams/response-stream.ts'
import { LLAMA, startProxy } from '../../../servers/start-proxy.ts'

t.test('a response is told again, until it is deleted', async t => {
  const proxy = await startProxy(t)
  const told = await (await respond(proxy, { model: LLAMA, input: 'say hi', metadata: { a: 'b' } })).json() as ResponseObject
  const url = `${proxy.url}/v1/responses/${told.id}`
  t.strictSame(await (await fetch(url)).json(), told)
  t.strictSame(await (await fetch(url, { method: 'DELETE' })).json(), { id: told.id, object: 'response', deleted: true })
  for (const [path, method] of [['', 'GET'], ['', 'DELETE'], ['/input_items', 'GET']] as const) {
    const gone = await fetch(url + path, { method })
    t.equal(gone.status, 404)
    const error = await gone.json()
    t.strictSame(faultsOf('ErrorResponse', error), [])
    t.match(error, { error: { message: `Response with id '${told.id}' not found.`, type: 'invalid_request_error' } })
  }
})

t.test('clients that name a content type with every request may delete', async t => {
  const proxy = await startProxy(t)
  const bodies: Array<{ name: string, given: string }> = [
    { name: 'no body', given: '\r\n' },
    { name: 'one without a length', given: 'content-length: 0\r\n\r\n' },
    { name: 'one without a piece', given: 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n' }
  ]
  const ask = (method: string, id: string, rest: string) => exchange(proxy, `${method} /v1/responses/${id} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${rest}`, 'never')
  for (const { name, given } of bodies) {
    for (const type of ['application/json', ...(given.includes('chunked') ? [] : ['application/x-www-form-urlencoded', 'rubbish'])]) {
      const { id } = await (await respond(proxy, { model: LLAMA, input: 'say hi' })).json() as ResponseObject
      for (const method of ['GET', 'DELETE']) t.match(await ask(method, id, `content-type: ${type}\r\n${given}`), /^HTTP\/1\.1 200 /, `${method}, ${type}, ${name}`)
    }
  }
  t.match(await ask('DELETE', 'resp_1', 'content-type: application/json\r\ncontent-length: 1\r\n\r\n{'), /^HTTP\/1\.1 400 /, 'a body that is there is read')
})

t.test('its input is told a page at a time, the latest first', async t => {
  const proxy = await startProxy(t)
  const first = await (await respond(proxy, { model: LLAMA, input: 'say one' })).json() as ResponseObject
  const second = await (await respond(proxy, { model: LLAMA, previous_response_id: first.id, input: [{ role: 'user', content: 'say two' }, { role: 'user', content: 'say three' }] })).json() as ResponseObject
  const list = async (query: string) => await (await fetch(`${proxy.url}/v1/responses/${second.id}/input_items${query}`)).json() as ResponseItemList
  const texts = ({ data }: ResponseItemList) => data.map(item => 'content' in item && Array.isArray(item.content) ? item.content.map(part => 'text' in part ? part.text : '').join('') : '')
  const all = await list('')
  t.strictSame(faultsOf('ResponseItemList', all), [])
  t.strictSame(texts(all), ['say three', 'say two', 'one', 'say one'])
  const page = await list('?order=asc&limit=2')
  t.strictSame(texts(page), ['say one', 'one'])
  t.equal(page.has_more, true)
  t.strictSame(texts(await list(`?order=asc&limit=2&after=${page.last_id}`)), ['say two', 'say three'])
  for (const [query, param] of [['?limit=0', 'limit'], ['?limit=101', 'limit'], ['?limit=x', 'limit'], ['?order=up', 'order']] as const) {
    t.match(await list(query), { error: { param, code: 'invalid_value' } }, query)
  }
})

t.test('what a key stored is not there for another', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k1,k2' })
  const { id } = await (await respond(proxy, { model: LLAMA, input: 'say hi' }, { authorization: 'Bearer k1' })).json() as ResponseObject
  for (const [path, method] of [['', 'GET'], ['/input_items', 'GET'], ['', 'DELETE']] as const) {
    const ask = async (key: string) => (await fetch(`${proxy.url}/v1/responses/${id}${path}`, { method, headers: { authorization: `Bearer ${key}` } })).status
    t.equal(await ask('k2'), 404, 'for another key it is not there')
    t.equal(await ask('k1'), 200)
  }
  t.equal((await fetch(`${proxy.url}/v1/responses/${id}`)).status, 401, 'and without a key nobody asks')
})

t.test('only what runs in the background could be streamed again', async t => {
  const proxy = await startProxy(t)
  const { id } = await (await respond(proxy, { model: LLAMA, input: 'say hi' })).json() as ResponseObject
  const response = await fetch(`${proxy.url}/v1/responses/${id}?stream=true`)
  t.equal(response.status, 400)
  t.match(await response.json(), { error: { param: 'stream', code: 'unsupported_value' } })
})

t.test('what is not there is not there, whatever is asked of it', async t => {
  const proxy = await startProxy(t)
  for (const path of ['resp_1?stream=true', 'resp_1/input_items?limit=x', 'resp_1/input_items?order=up']) {
    const response = await fetch(`${proxy.url}/v1/responses/${path}`)
    t.equal(response.status, 404, path)
    t.match(await response.json(), { error: { message: "Response with id 'resp_1' not found." } })
  }
})
