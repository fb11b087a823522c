import { UpstreamError } from '../../errors.ts'
import { CATALOGUE } from '../../workers-ai/models/catalogue.ts'
import { toFacts } from '../../workers-ai/transport/error-codes.ts'
import type { Model } from '../../workers-ai/models/model.ts'
import { toSuggestions } from '../../workers-ai/models/resolve-model.ts'
import type { ProbeResults } from './probe.ts'
import type { CheckContext, CheckResult } from './finding.ts'
import { toHost, toUnreachable } from './network.ts'
import { toSentence } from '../../workers-ai/transport/failure-kind.ts'

/** Checks whether a model answered, and explains the failure if not. */
export function checkRun ({ listing, run }: ProbeResults, { settings, now, failures }: CheckContext): CheckResult {
  const models = 'models' in listing ? listing.models : []
  switch (run.outcome) {
    case 'answered': return { verdict: 'ok', message: `${run.model} answered in ${run.ms} ms${run.neurons === undefined ? '' : `, for ${run.neurons} neurons`}.` }
    case 'skipped': return { verdict: 'skipped', message: run.reason === 'unwanted' ? 'Skipped because of --no-run.' : 'Skipped because of the failure above.' }
    case 'unfit': return { verdict: 'failed', message: `The model "${run.model}" cannot be run here.`, next: `Choose ${toOthers(models, run.model)}`, blame: 'model' }
    case 'failed':
      switch (failures.run) {
        case 'account':
        case 'token': return { verdict: 'skipped', message: 'Refused because of the failure above.' }
        case 'network': return checkSilence(run, toHost(settings))
        default: return checkRefusal(run, models, now)
      }
  }
}

interface Failure {
  model: string
  error: unknown
}

/** Cloudflare could be reached before, so a timeout is the fault of the model. */
function checkSilence ({ model, error }: Failure, host: string): CheckResult {
  if (error instanceof UpstreamError && error.kind === 'timeout') {
    return { verdict: 'failed', message: `${model} did not answer in time: ${toSentence(error)}`, next: 'Try again, or try another model with --model.', blame: 'model' }
  }
  return { ...toUnreachable(error, host), verdict: 'failed', blame: 'network' }
}

const PLANS_PAGE = 'https://dash.cloudflare.com/?to=/:account/workers/plans'

function checkRefusal ({ model, error }: Failure, models: readonly Model[], now: Date): CheckResult {
  const { code, meaning } = error instanceof UpstreamError ? { code: error.code, ...toFacts(error) } : {}
  const failed = (message: string, next: string): CheckResult => ({ verdict: 'failed', message: `${message}${code === undefined ? '' : ` (${code})`}.`, next, blame: 'model' })
  switch (meaning) {
    case 'quota':
      return failed('The account has used its free neurons of the day', `The quota resets at 00:00 UTC, in ${toTimeLeft(now)}; the Workers Paid plan has no such limit: ${PLANS_PAGE}`)
    case 'capacity':
      return failed(`Cloudflare has no capacity for ${model} at the moment`, 'Try again in a minute, or try another model with --model. MODEL_FALLBACKS names models that the proxy tries instead.')
    case 'licence':
      return failed(`The licence of ${model} is not accepted`, `Read it on the page of the model (https://developers.cloudflare.com/workers-ai/models/), then accept it once: ${toAgreement(model)}`)
    case 'plan':
      return failed(`${model} needs the Workers Paid plan`, `Choose the plan (${PLANS_PAGE}), or ${toOthers(models, model)}`)
    case 'private-model':
      return failed(`The account may not run ${model}`, `Choose ${toOthers(models, model)}`)
    case 'blocked-account':
      return failed('This account may not use Workers AI', 'Ask Cloudflare support: https://dash.cloudflare.com/?to=/:account/support')
    case 'retired-model':
      return failed(`${model} has been retired`, `${toSuccessor(model)}Choose ${toOthers(models, model)}`)
    case 'unknown-model':
      return failed(`Cloudflare has no model ${model}`, `Choose ${toOthers(models, model)}`)
    case 'timeout':
      return failed(`${model} did not answer within its time limit`, 'Try again, or try another model with --model.')
    default:
      return {
        verdict: 'failed',
        message: `Cloudflare refused the run: ${toSentence(error)}`,
        next: 'Error codes: https://developers.cloudflare.com/workers-ai/platform/errors/; outages: https://www.cloudflarestatus.com',
        blame: 'other'
      }
  }
}

/** A command for the shell that has account id and token in its environment. */
function toAgreement (model: string): string {
  return `curl https://api.cloudflare.com/client/v4/accounts/$CLOUDFLARE_ACCOUNT_ID/ai/run/${model} -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" -d '{"prompt":"agree"}'`
}

function toSuccessor (model: string): string {
  const successor = CATALOGUE.get(model)?.successor
  return successor === undefined ? '' : `The proxy calls its successor ${successor} instead, unless RETIRED_MODELS=reject. `
}

function toOthers (models: readonly Model[], model: string): string {
  const others = toSuggestions(models.filter(({ id }) => id !== model))
  return `another model with --model${others.length > 0 ? `, e.g. ${others.join(', ')}` : ''}; clients name their model, or get DEFAULT_MODEL.`
}

function toTimeLeft (now: Date): string {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
  const minutes = Math.ceil((midnight - now.getTime()) / 60_000)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
