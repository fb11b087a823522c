import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { interleaved } from '../generation/pipeline.ts'
import type { Change } from '../generation/change.ts'
import type { Batch } from '../generation/event.ts'
import { ChangeReporter } from '../http/change-reporter.ts'
import { clientGone, ClientGoneError } from '../http/client-gone.ts'
import { sendEvents } from '../http/event-stream.ts'
import { newId } from '../http/reply-identity.ts'
import { toSessionAffinity } from '../http/session-affinity.ts'
import { ChatCompletionRequest } from '../openai/chat-completion-request.ts'
import { DONE, EVENT_STREAM_HEADERS, toEvent } from '../openai/server-sent-events.ts'
import { fetchRemoteImages, type RemoteImagesOptions } from '../remote-images/remote-images.ts'
import type { Settings } from '../settings.ts'
import { ChatChunks, toUsageChunk } from '../translate/chat-chunks.ts'
import { toChatCompletion, toChoice, type ReplyIdentity } from '../translate/chat-completion.ts'
import { toDryRun } from '../translate/dry-run.ts'
import { toErrorBody, toProxyError } from '../translate/error.ts'
import { toRunRequest } from '../translate/run-request.ts'
import { toSum } from '../translate/usage.ts'
import type { WorkersAi } from '../workers-ai/client.ts'
import { toVisionSuggestions } from '../workers-ai/resolve-model.ts'
import type { Models } from './models.ts'
import { startGenerations, type Generations, type Variation } from './start-generations.ts'

export interface ChatCompletionsParts {
  settings: Settings
  workersAi: WorkersAi
  models: Models
  remoteImages: Omit<RemoteImagesOptions, 'signal'>
}

/** `POST /v1/chat/completions`, plain and streamed. */
export function chatCompletions (app: FastifyInstance, { settings, workersAi, models, remoteImages }: ChatCompletionsParts): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/v1/chat/completions', { schema: { body: ChatCompletionRequest } }, async (request, reply) => {
    const { body } = request
    const model = await models.resolve(body.model)
    const stream = body.stream === true
    request.report = { model: body.model, served: model.id, stream }
    const signal = clientGone(reply)
    const mayFetch = settings.fetchRemoteImages && model.vision
    const fetched = mayFetch ? await fetchRemoteImages(body, { ...remoteImages, signal }) : { request: body, changes: [] }
    const visionModels = () => toVisionSuggestions(models.known())
    const translate = (variation: Variation) => toRunRequest(fetched.request, model, { ...settings, visionModels, ...variation })
    const run = translate({})
    run.changes.unshift(...fetched.changes)
    if (request.headers['x-dry-run'] === 'true') return toDryRun(run, model.id, stream)
    reply.header('x-proxy-model', model.id)
    const generations = await startGenerations(workersAi, run, {
      model,
      stream,
      translate,
      sessionAffinity: toSessionAffinity(request, run.cacheKey, body.messages),
      signal
    })
    request.report.attempts = generations.attempts
    reply.headers(generations.headers)
    const identity: ReplyIdentity = {
      id: newId('chatcmpl-', 29),
      created: Math.floor(Date.now() / 1000),
      model: body.model,
      legacyFunctions: run.legacyFunctions
    }
    const reporter = new ChangeReporter(run.changes, request)
    if (stream) {
      reply.headers({ ...EVENT_STREAM_HEADERS, ...reporter.headers() })
      await sendEvents(reply, chunks(generations, identity, body.stream_options?.include_usage === true, request, reporter))
      return
    }
    const choices = await Promise.all(generations.choices.map(async (batches, index) => toChoice(await collected(batches), index, identity))).finally(generations.close)
    const usage = toSum(choices.map(choice => choice.usage))
    request.report.usage = usage
    if (usage.estimated) run.changes.push(ESTIMATED)
    reply.headers(reporter.headers())
    return toChatCompletion(choices, identity)
  })
}

const ESTIMATED: Change = { param: 'usage', action: 'estimated', reason: 'Workers AI told no token counts; these are guessed from the length of the text' }

async function collected (batches: AsyncIterable<Batch>): Promise<Batch> {
  const events: Batch = []
  for await (const batch of batches) events.push(...batch)
  return events
}

/** The stream's text, one piece for each upstream read. */
async function * chunks (generations: Generations, identity: ReplyIdentity, withUsage: boolean, request: FastifyRequest, reporter: ChangeReporter): AsyncGenerator<string> {
  const tellers = generations.choices.map((_, index) => new ChatChunks(identity, index, withUsage))
  try {
    for await (const { choice, batch } of interleaved(generations.choices)) {
      const text = tellers[choice]?.tell(batch)
      if (text) yield text
      const last = batch.at(-1)
      if (last?.type === 'failure') throw last.error
    }
    const usage = toSum(tellers.flatMap(({ usage }) => usage ?? []))
    request.report.usage = usage
    if (usage.estimated) reporter.add(ESTIMATED)
    yield reporter.comment() + (withUsage ? toUsageChunk(identity, usage) : '') + DONE
  } catch (error) {
    if (error instanceof ClientGoneError) return
    yield failed(error as Error, request)
  } finally {
    generations.close()
  }
}

/** A broken stream says so, and neither finishes nor says that it is done. */
function failed (error: Error, request: FastifyRequest): string {
  request.report.error = error
  const told = toProxyError(error, new Date())
  if (told === error) request.log.error({ err: error }, 'failed inside a stream')
  return toEvent(JSON.stringify(toErrorBody(told)))
}
