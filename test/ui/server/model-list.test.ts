import t from 'tap'
import { isChatModel, toDefaultModel } from '../../../src/ui/server/model-list.ts'

const paid = { id: '@cf/a/paid', task: 'text-generation', requires_workers_paid: true }
const free = { id: '@cf/a/free', task: 'text-generation' }
const embedding = { id: '@cf/a/embedding', task: 'text-embeddings' }
const glm = { id: '@cf/zai-org/glm-4.7-flash', task: 'text-generation' }

t.equal(toDefaultModel([]), undefined)
t.equal(toDefaultModel([embedding]), undefined)
t.equal(toDefaultModel([embedding, paid]), paid.id)
t.equal(toDefaultModel([paid, free]), free.id)
t.equal(toDefaultModel([paid, free, glm]), glm.id)
t.equal(toDefaultModel([{ ...free, retired: true }, paid]), paid.id)
t.notOk(isChatModel(embedding))
