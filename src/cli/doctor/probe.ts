import type { Settings } from '../../settings/schema.ts'
import { toLimitFields } from '../../workers-ai/request/token-limit.ts'
import { CATALOGUE } from '../../workers-ai/models/catalogue.ts'
import { WorkersAi } from '../../workers-ai/transport/client.ts'
import type { Model, ModelId } from '../../workers-ai/models/model.ts'
import { guessModel, ModelList, searchPage } from '../../workers-ai/models/model-list.ts'
import { toModelId, toSuggestions } from '../../workers-ai/models/resolve-model.ts'
import { toFailureKind } from '../../workers-ai/transport/failure-kind.ts'
import type { Runner } from '../../workers-ai/transport/runner.ts'

/** The answers of Cloudflare, not yet interpreted. */
export interface ProbeResults {
  listing: Listing
  run: Run
}

/** The models of the account, or why there is no list; `ms` is how long the first answer took, connecting included. */
export type Listing = { ms: number, models: readonly Model[] } | { ms: number, error: unknown }

/** One tiny run. `unfit`: no model it could be made with. `pointless`: what failed before lets no run succeed. */
export type Run =
  | { outcome: 'answered', model: string, ms: number, neurons: string | undefined }
  | { outcome: 'failed', model: string, error: unknown }
  | { outcome: 'unfit', model: string }
  | { outcome: 'skipped', reason: 'unwanted' | 'pointless' }

export interface ProbeOptions {
  /** The model to run, by any name the proxy takes; without it DEFAULT_MODEL, else a cheap one. */
  model?: string | undefined
  /** Whether to make the run, which is billed. */
  isRunWanted: boolean
}

/** A person waits for the result. */
const TIMEOUT_MS = 60_000

/** Enough for a model that thinks to say something; a few neurons with any model. */
const MAX_TOKENS = 16

/**
 * Lists the models of the account and runs one of them, as the proxy does. Never rejects because of Cloudflare or the
 * network.
 */
export async function probe (settings: Settings, { model, isRunWanted }: ProbeOptions): Promise<ProbeResults> {
  const { cloudflare, maxRetries, upstreamHeadersTimeoutMs, upstreamIdleTimeoutMs, defaultModel, modelAliases } = settings
  const workersAi = new WorkersAi({
    ...cloudflare,
    maxRetries,
    headersTimeoutMs: Math.min(upstreamHeadersTimeoutMs, TIMEOUT_MS),
    idleTimeoutMs: Math.min(upstreamIdleTimeoutMs, TIMEOUT_MS),
    userAgent: 'workers-ai-proxy doctor'
  })
  try {
    if (cloudflare.apiToken === '') return { listing: await probeConnectivity(workersAi), run: { outcome: 'skipped', reason: 'pointless' } }
    const { listing, list } = await listModels(workersAi)
    if ('error' in listing && ['network', 'account'].includes(toFailureKind(listing.error))) return { listing, run: { outcome: 'skipped', reason: 'pointless' } }
    if (!isRunWanted) return { listing, run: { outcome: 'skipped', reason: 'unwanted' } }
    const asked = model ?? defaultModel ?? toSuggestions(list.known())[0] ?? ''
    return { listing, run: await runOnce(workersAi, list, asked, modelAliases) }
  } finally {
    await workersAi.close()
  }
}

async function listModels (workersAi: Runner): Promise<{ listing: Listing, list: ModelList }> {
  const startedAt = Date.now()
  let ms = 0
  let failure: { error: unknown } | undefined
  const list = new ModelList({
    fetchPage: page => searchPage(workersAi, page).finally(() => { ms ||= Date.now() - startedAt }),
    now: Date.now,
    firstWaitMs: TIMEOUT_MS,
    onError: error => { failure = { error } }
  })
  const models = await list.current()
  return { list, listing: { ms, ...(failure ?? { models }) } }
}

/** Without a token, tries to run a model: Cloudflare refuses and bills nothing, but the network is checked. */
async function probeConnectivity (workersAi: Runner): Promise<Listing> {
  const startedAt = Date.now()
  const [model] = CATALOGUE.values()
  try {
    await workersAi.run(model?.id as ModelId, '{}', { signal: new AbortController().signal, form: 'json' })
    return { ms: Date.now() - startedAt, models: [] }
  } catch (error) {
    return { ms: Date.now() - startedAt, error }
  }
}

/** Ignores DEFAULT_MODEL, which would hide that the requested name is wrong. */
async function runOnce (workersAi: Runner, list: ModelList, asked: string, aliases: Settings['modelAliases']): Promise<Run> {
  const id = toModelId(asked, { aliases, known: list.ids() })
  const body = id === undefined ? undefined : toTinyBody(list.find(id) ?? guessModel(id))
  if (id === undefined || body === undefined) return { outcome: 'unfit', model: asked }
  const startedAt = Date.now()
  try {
    const { headers } = await workersAi.run(id, JSON.stringify(body), { signal: new AbortController().signal, form: 'json' })
    return { outcome: 'answered', model: id, ms: Date.now() - startedAt, neurons: headers['cf-ai-neurons'] }
  } catch (error) {
    return { outcome: 'failed', model: id, error }
  }
}

function toTinyBody ({ task, family }: Model): object | undefined {
  switch (task) {
    case 'text-generation': return { messages: [{ role: 'user', content: 'Say OK.' }], ...toLimitFields(MAX_TOKENS, family) }
    case 'text-embeddings': return { text: ['OK'] }
    case 'other': return undefined
  }
}
