import t from 'tap'
import { InvalidRequestError, UpstreamError } from '../../src/errors.ts'
import { Candidates, toTurn, withModels, type CandidateSources } from '../../src/inference/candidates.ts'
import { Models } from '../../src/inference/models.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import type { Model } from '../../src/workers-ai/models/model.ts'
import { ModelList } from '../../src/workers-ai/models/model-list.ts'

const GONE = CATALOGUE.get('@cf/moonshotai/kimi-k2.5') as Model
const SUCCESSOR = CATALOGUE.get('@cf/moonshotai/kimi-k2.6') as Model
const LLAMA = CATALOGUE.get('@cf/meta/llama-3.3-70b-instruct-fp8-fast') as Model
const retired = new UpstreamError('It was deprecated.', { kind: 'refused', status: 400, code: 5028 })
const busy = new UpstreamError('Busy.', { kind: 'refused', status: 429, code: 3040 })

function modelsOf (): Models {
  return new Models(new ModelList({ fetchPage: async () => { throw new Error('not allowed') }, now: () => 0 }), { modelAliases: {}, retiredModels: 'replace' })
}

interface Asked { models: Models, name: string, asked: Model, credential: string }

function candidatesOf ({ models = modelsOf(), name = GONE.id, asked = GONE, credential = '' }: Partial<Asked> = {}, settings: Partial<CandidateSources['settings']> = {}): Candidates {
  return new Candidates({ models, settings: { modelFallbacks: {}, retiredModels: 'replace', ...settings } }, name, asked, credential)
}

/** The ids of all that are asked, when each of them fails. */
async function orderOf (candidates: Candidates, errors: Record<string, UpstreamError>): Promise<string[]> {
  const ids: string[] = []
  for (let candidate: Awaited<ReturnType<Candidates['next']>> = candidates.first(); candidate !== undefined; candidate = await candidates.next()) {
    ids.push(candidate.model.id)
    candidates.failed(candidate, errors[candidate.model.id] ?? busy)
  }
  return ids
}

t.test('who is asked, and in which order', async t => {
  const cases: Array<{ name: string, errors: Record<string, UpstreamError>, settings?: Partial<CandidateSources['settings']>, more?: Partial<Asked>, expected: string[] }> = [
    { name: 'the successor of one that is retired', errors: { [GONE.id]: retired }, expected: [GONE.id, SUCCESSOR.id] },
    { name: 'nobody for one that is busy', errors: {}, expected: [GONE.id] },
    { name: 'nobody where that is not wanted', errors: { [GONE.id]: retired }, settings: { retiredModels: 'reject' }, expected: [GONE.id] },
    { name: 'the fallbacks before it', errors: { [GONE.id]: retired }, settings: { modelFallbacks: { [GONE.id]: [LLAMA.id] } }, expected: [GONE.id, LLAMA.id, SUCCESSOR.id] },
    { name: 'a fallback that is the successor once', errors: { [GONE.id]: retired }, settings: { modelFallbacks: { [GONE.id]: [SUCCESSOR.id] } }, expected: [GONE.id, SUCCESSOR.id] },
    { name: 'the successor of a fallback', errors: { [GONE.id]: retired }, more: { name: LLAMA.id, asked: LLAMA }, settings: { modelFallbacks: { [LLAMA.id]: [GONE.id] } }, expected: [LLAMA.id, GONE.id, SUCCESSOR.id] },
    { name: 'no successor of one that has none', errors: { [LLAMA.id]: retired }, more: { name: LLAMA.id, asked: LLAMA }, expected: [LLAMA.id] }
  ]
  for (const { name, errors, settings, more, expected } of cases) t.strictSame(await orderOf(candidatesOf(more, settings), errors), expected, name)
})

t.test('what was said to one credential is remembered for it', async t => {
  const models = modelsOf()
  const candidates = candidatesOf({ models })
  candidates.failed(candidates.first(), busy)
  t.doesNotThrow(() => candidates.refuseRetired(GONE))
  candidates.failed(candidates.first(), retired)
  t.throws(() => candidatesOf({ models }).refuseRetired(GONE), { code: 5028, attempts: 0 })
  t.doesNotThrow(() => candidatesOf({ models, credential: 'other' }).refuseRetired(GONE))
  t.doesNotThrow(() => candidates.refuseRetired(SUCCESSOR))
})

t.test('a change says who has the turn, and why', t => {
  t.strictSame(toTurn({ model: GONE, error: retired }, { model: SUCCESSOR, replaces: GONE }), { param: 'model', action: 'replaced', from: GONE.id, to: SUCCESSOR.id, reason: `Cloudflare has retired ${GONE.id} on 2026-05-30; ${SUCCESSOR.id} is its nearest successor` })
  t.strictSame(toTurn({ model: LLAMA, error: busy }, { model: GONE }), { param: 'model', action: 'renamed', from: LLAMA.id, to: GONE.id, reason: 'the model failed: refused, 429, Workers AI 3040' })
  t.strictSame(toTurn({ model: LLAMA, error: busy }, { model: SUCCESSOR, replaces: GONE }).from, GONE.id, 'the one that is replaced, not the last one that failed')
  t.end()
})

t.test('a failure names the models a caller did not name', t => {
  const cases = [
    { name: 'of the model that was asked for', given: withModels(busy, { model: GONE }), expected: 'Busy.' },
    { name: 'of a retired model without a successor', given: withModels(retired, { model: LLAMA }), expected: 'It was deprecated.' },
    { name: 'of a retired model', given: withModels(retired, { model: GONE }), expected: "It was deprecated. Its nearest successor is '@cf/moonshotai/kimi-k2.6'." },
    { name: 'of a successor', given: withModels(busy, { model: SUCCESSOR, replaces: GONE }), expected: "'@cf/moonshotai/kimi-k2.5' has been retired, and its successor '@cf/moonshotai/kimi-k2.6' cannot answer this: Busy." }
  ]
  for (const { name, given, expected } of cases) t.equal(given.message, expected, name)
  const other = withModels(Object.assign(new UpstreamError('Busy.', { kind: 'refused', status: 429, code: 3040, retryAfter: 7 }), { attempts: 3 }), { model: SUCCESSOR, replaces: GONE })
  t.match(other, { kind: 'refused', status: 429, code: 3040, retryAfter: 7, attempts: 3 }, 'and nothing else changes')
  const wrong = withModels(new InvalidRequestError('No images.', { param: 'messages', code: 'unsupported_value' }), { model: SUCCESSOR, replaces: GONE })
  t.match(wrong, { status: 400, param: 'messages', code: 'unsupported_value', message: /kimi-k2\.5' has been retired, .* No images\.$/ })
  t.end()
})
