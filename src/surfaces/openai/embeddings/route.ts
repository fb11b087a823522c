import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { toCall } from '../../../http/replies/call.ts'
import { writeExactly } from '../../../http/replies/exact-json.ts'
import type { Services } from '../../../inference/answer.ts'
import { answerEmbeddings } from '../../../inference/embeddings.ts'
import { toEmbeddingList } from './list.ts'
import { EmbeddingRequest } from './request.ts'

/** `POST /v1/embeddings`. */
export function embeddings (app: FastifyInstance, services: Services): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/embeddings', { schema: { body: EmbeddingRequest }, config: { inputParam: 'input', task: 'text-embeddings' } }, async (request, reply) => {
    const { body } = request
    const answer = await answerEmbeddings(services, body, toCall(request, reply, services.settings))
    if (answer.kind === 'dry-run') return writeExactly(reply, answer.body)
    const { vectors, usage, headers, reporter } = answer
    reply.headers(headers).headers(reporter.headers())
    return toEmbeddingList(vectors, usage, body)
  })
}
