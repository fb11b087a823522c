import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import { toJsonText } from '../../src/workers-ai/json-text.ts'

t.equal(toJsonText({ a: [1, 'é'] }), '{"a":[1,"é"]}')
t.equal(toJsonText('text'), '"text"')

const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
t.throws(() => toJsonText(deep), new UpstreamError('Cloudflare sent JSON that is nested too deeply', { kind: 'malformed' }), 'what is too deep to be written is malformed')
