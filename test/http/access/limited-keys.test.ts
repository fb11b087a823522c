import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { toLimitedKey, toNamedKeys } from '../../../src/http/access/limited-keys.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'

function request (key: string | undefined, caller?: string): FastifyRequest {
  const record = new RequestRecord()
  if (key !== undefined) record.key = key
  return { record, caller, apiToken: undefined } as FastifyRequest
}

t.strictSame(toLimitedKey(request('alice', 'digest'), { alice: { rpm: 1 }, '*': { rpm: 2 } }), { id: 'alice', limits: { rpm: 1 } }, 'its own limits')
t.strictSame(toLimitedKey(request('bob', 'digest'), { alice: { rpm: 1 }, '*': { rpm: 2 } }), { id: 'bob', limits: { rpm: 2 } }, 'those of every other key')
t.strictSame(toLimitedKey(request(undefined, 'digest'), { '*': { rpm: 2 } }), { id: '#digest', limits: { rpm: 2 } }, 'a key without a name')
t.strictSame(toLimitedKey(request(undefined), { '*': { rpm: 2 } }), { id: '#', limits: { rpm: 2 } }, 'callers without keys')
t.equal(toLimitedKey(request('bob', 'digest'), { alice: { rpm: 1 } }), undefined, 'a key without limits')
t.equal(toLimitedKey(request('toString', 'digest'), {}), undefined)

const apiKeys = [{ key: 'a', name: 'alice' }, { key: 'b', name: 'bob' }, { key: 'c' }, { key: 'a2', name: 'alice' }]
const keyLimits = { alice: { rpm: 1 }, '*': { rpm: 2 } }
t.strictSame(toNamedKeys({ keyLimits, apiKeys, authMode: 'keys' }), new Map([['alice', { id: 'alice', limits: { rpm: 1 } }], ['bob', { id: 'bob', limits: { rpm: 2 } }]]))
t.strictSame(toNamedKeys({ keyLimits: { alice: { rpm: 1 } }, apiKeys, authMode: 'keys' }), new Map([['alice', { id: 'alice', limits: { rpm: 1 } }]]))
t.strictSame(toNamedKeys({ keyLimits, apiKeys: [], authMode: 'keys' }), new Map([['none', { id: '#', limits: { rpm: 2 } }]]), 'callers without keys are one')
t.strictSame(toNamedKeys({ keyLimits, apiKeys: [], authMode: 'passthrough' }), new Map(), 'tokens have no names')
