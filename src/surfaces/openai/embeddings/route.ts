import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { ChangeReporter } from '../../../http/replies/change-reporter.ts'
import { toContentLog } from '../../../telemetry/content-log.ts'
import { EmbeddingRequest } from './request.ts'
import { toDryRunOf } from '../../../inference/dry-run.ts'
import { toEmbedRequest } from '../../../workers-ai/request/embedding-request.ts'
import { toEmbeddingList, toEmbeddingUsage } from './list.ts'
import { embed } from '../../../workers-ai/answer/embed.ts'
import { Patience } from '../../../workers-ai/transport/retry.ts'
import { ESTIMATED, type ChatParts } from '../../../inference/answer.ts'
import { toHeaders } from '../../../inference/generations.ts'

/**
 * `POST /v1/embeddings`. No other model takes over when one fails: vectors of two models cannot be compared.
 */
export function embeddings (app: FastifyInstance, { settings, workersAi, models, openAnswers }: Omit<ChatParts, 'remoteImages'>): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/embeddings', { schema: { body: EmbeddingRequest }, config: { inputParam: 'input', task: 'text-embeddings' } }, async (request, reply) => {
    const { body } = request
    const signal = openAnswers.open(reply)
    const model = await models.resolve(body.model, 'text-embeddings')
    Object.assign(request.report, { model: body.model, served: model.id, stream: false })
    const { batches, toBody, changes } = toEmbedRequest(body, model, settings)
    if (request.modelChange) changes.unshift(request.modelChange)
    if (request.headers['x-dry-run'] === 'true') return toDryRunOf(model.id, toBody(batches[0]), changes)
    const patience = new Patience()
    const answers = await embed(workersAi, { model: model.id, batches, toBody, signal, patience, apiToken: request.apiToken, simulatorWords: request.headers['x-simulator'], caller: request.caller, observer: toContentLog(request, settings) })
      .finally(() => { request.report.attempts = patience.asked })
    const usage = toEmbeddingUsage(answers)
    Object.assign(request.report, { usage, upstreamStatus: answers[0]?.status })
    const list = toEmbeddingList(answers.flatMap(({ vectors }) => vectors), usage, body, model)
    const reporter = new ChangeReporter(changes, request)
    if (usage.estimated) reporter.add(ESTIMATED)
    reply.headers({ 'x-proxy-model': model.id, 'x-proxy-attempts': String(patience.asked), ...toHeaders(answers), ...reporter.headers() })
    return list
  })
}
