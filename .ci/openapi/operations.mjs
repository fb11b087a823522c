// What the document says of each route, by its method and path. A route without a row here fails the build.

/** The paths of a surface come by these prefixes; ids of operations must differ. */
export const OPENAI_PREFIXES = [
  { prefix: '/v1', suffix: '', tag: 'OpenAI' },
  { prefix: '/openai/v1', suffix: 'AtOpenaiV1', tag: 'OpenAI at other prefixes' },
  { prefix: '/openai/deployments/:catalogue/:maker/:model', suffix: 'OfCatalogueDeployment', tag: 'Azure deployments' },
  { prefix: '/openai/deployments/:maker/:model', suffix: 'OfMakerDeployment', tag: 'Azure deployments' },
  { prefix: '/openai/deployments/:model', suffix: 'OfDeployment', tag: 'Azure deployments' },
  { prefix: '/openai', suffix: 'AtOpenai', tag: 'OpenAI at other prefixes' }
]

export const TAGS = [
  { name: 'OpenAI', description: "OpenAI's API, served by models of Cloudflare Workers AI." },
  { name: 'Anthropic', description: "Anthropic's Messages API, served by the same models. `GET /v1/models` answers in its form where `anthropic-version` is sent." },
  { name: 'Usage', description: 'What was used and what it costs, by UTC day.' },
  { name: 'Server', description: 'The server itself.' },
  { name: 'OpenAI at other prefixes', description: "The same operations, at the prefixes of groq-sdk, of Azure's v1 API, and of AzureOpenAI of the openai packages." },
  { name: 'Azure deployments', description: 'The same operations where AzureOpenAI sends them: the deployment in the path is the model. A query such as `api-version` changes nothing.' }
]

/**
 * @typedef {object} Operation
 * @property {string} id
 * @property {string} summary
 * @property {string} [description]
 * @property {string} [tag] absent where the prefix has it
 * @property {string} [body] name of the body's schema; the schema is the route's
 * @property {string[]} [answers] names of types, any of which is answered
 * @property {string} [events] of a stream: the name of the type of each event's data, or a sentence about them
 * @property {string} [text] media type of an answer that is no JSON
 * @property {'openai' | 'anthropic' | 'both'} [errors] in whose words failures are told
 * @property {boolean} [isOpen] it asks for no key
 * @property {boolean} [isGenerating] a model is asked, so its headers are told
 * @property {Record<string, object>} [query] schemas of parameters; one of them that is required says so by `required: true`
 * @property {number[]} [statuses] further statuses with the same answer
 */

const day = { type: 'string', format: 'date', description: 'A UTC day, as 2026-03-01; today when absent.' }
const model = { isGenerating: true, errors: 'openai' }

const listQuery = groups => ({
  start_time: { type: 'integer', description: 'Unix time in seconds, inclusive.', required: true },
  end_time: { type: 'integer', description: 'Unix time in seconds, exclusive; now when absent.' },
  bucket_width: { type: 'string', enum: ['1d'], default: '1d' },
  group_by: { type: 'array', items: { type: 'string', enum: groups } },
  limit: { type: 'integer', minimum: 1, default: 7, description: 'Days of a page.' },
  page: { type: 'string', description: 'The `next_page` of an earlier answer.' },
  api_key_ids: { type: 'array', items: { type: 'string' }, description: 'Names of keys.' },
  project_ids: { type: 'array', items: { type: 'string' }, description: 'There are none: nothing is found.' }
})
const usageQuery = groups => ({
  ...listQuery(groups),
  models: { type: 'array', items: { type: 'string' } },
  user_ids: { type: 'array', items: { type: 'string' }, description: 'There are none: nothing is found.' }
})

/** @type {Record<string, Operation>} of OpenAI's surface, by paths without prefix */
export const OPENAI = {
  'POST /chat/completions': { ...model, id: 'createChatCompletion', summary: 'Answer a conversation', body: 'ChatCompletionRequest', answers: ['ChatCompletion'], events: 'ChatCompletionChunk' },
  'POST /completions': { ...model, id: 'createCompletion', summary: 'Go on with a text', body: 'CompletionRequest', answers: ['Completion'], events: 'Completion' },
  'POST /embeddings': { ...model, id: 'createEmbedding', summary: 'Turn texts into vectors', body: 'EmbeddingRequest', answers: ['EmbeddingList'] },
  'POST /responses': { ...model, id: 'createResponse', summary: 'Answer items of a conversation', body: 'ResponseRequest', answers: ['ResponseObject'], events: "Events of OpenAI's Responses API, from `response.created` to `response.completed`, each with a name and JSON data." },
  'POST /responses/compact': { ...model, id: 'compactResponse', summary: 'Replace a conversation by a summary', body: 'ResponseRequest', answers: ['CompactedResponse'] },
  'GET /responses/:response_id': { id: 'getResponse', summary: 'A stored response', answers: ['ResponseObject'], errors: 'openai', query: { stream: { type: 'string', enum: ['false'] } } },
  'DELETE /responses/:response_id': { id: 'deleteResponse', summary: 'Forget a stored response', answers: ['DeletedResponse'], errors: 'openai' },
  'GET /responses/:response_id/input_items': {
    id: 'listInputItems',
    summary: 'What a stored response was made of',
    answers: ['ResponseItemList'],
    errors: 'openai',
    query: {
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
      order: { type: 'string', enum: ['asc', 'desc'], default: 'desc' },
      after: { type: 'string', description: 'The id of the item before the first one.' }
    }
  },
  'GET /models': { id: 'listModels', summary: 'The models that can be asked', answers: ['ModelListObject'], errors: 'openai' },
  'GET /models/:id': { id: 'getModel', summary: 'A model, and how it is translated', description: 'The id may have its slashes as they are.', answers: ['ModelObject'], errors: 'openai' },
  'GET /organization/usage/completions': { id: 'listCompletionsUsage', summary: 'Tokens of completions by day', answers: ['CompletionsUsagePage'], errors: 'openai', query: { ...usageQuery(['project_id', 'user_id', 'api_key_id', 'model', 'batch', 'service_tier']), batch: { type: 'boolean' } } },
  'GET /organization/usage/embeddings': { id: 'listEmbeddingsUsage', summary: 'Tokens of embeddings by day', answers: ['EmbeddingsUsagePage'], errors: 'openai', query: usageQuery(['project_id', 'user_id', 'api_key_id', 'model']) },
  'GET /organization/costs': { id: 'listCosts', summary: 'Costs by day', answers: ['CostsPage'], errors: 'openai', query: listQuery(['project_id', 'line_item', 'api_key_id']) }
}

/** @type {Record<string, Operation>} of all other routes, by whole paths; where OpenAI's surface has the path too, for both */
export const OTHERS = {
  'POST /v1/messages': { id: 'createMessage', summary: 'Answer a conversation', tag: 'Anthropic', body: 'MessagesRequest', answers: ['MessageObject'], events: "Events of Anthropic's Messages API, from `message_start` to `message_stop`, each with a name and JSON data.", errors: 'anthropic', isGenerating: true },
  'POST /v1/messages/count_tokens': { id: 'countTokens', summary: 'Estimate the tokens of a prompt', description: 'No model is asked.', tag: 'Anthropic', body: 'CountTokensRequest', answers: ['TokenCount'], errors: 'anthropic' },
  'GET /v1/models': {
    ...OPENAI['GET /models'],
    description: "With `anthropic-version`, in the form of Anthropic's API, where alone there are pages.",
    tag: 'OpenAI',
    answers: ['ModelListObject', 'AnthropicModelList'],
    errors: 'both',
    query: {
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 20 },
      after_id: { type: 'string' },
      before_id: { type: 'string' }
    }
  },
  'GET /v1/models/:id': { ...OPENAI['GET /models/:id'], tag: 'OpenAI', description: "The id may have its slashes as they are. With `anthropic-version`, in the form of Anthropic's API.", answers: ['ModelObject', 'AnthropicModel'], errors: 'both' },
  'GET /usage': { id: 'getUsage', summary: 'What was used on a day, by key, model and account', description: 'The holder of a key sees its own use.', tag: 'Usage', answers: ['UsageReport'], errors: 'openai', query: { date: day } },
  'GET /events': { id: 'listEvents', summary: 'Requests as they end', description: 'A stream of server-sent events, the latest requests first. The holder of a key is told of its own.', tag: 'Usage', text: 'text/event-stream', errors: 'openai' },
  'GET /metrics': { id: 'getMetrics', summary: 'Metrics for Prometheus', description: 'For holders of a key of ADMIN_KEYS, unless METRICS_PUBLIC opens it.', tag: 'Server', text: 'text/plain; version=0.0.4', errors: 'openai' },
  'GET /health': { id: 'getHealth', summary: 'Whether requests are served', tag: 'Server', answers: ['Health'], isOpen: true, statuses: [503] },
  'GET /livez': { id: 'getLiveness', summary: 'The same as /health', tag: 'Server', answers: ['Health'], isOpen: true, statuses: [503] },
  'GET /readyz': { id: 'getReadiness', summary: 'Whether new requests are wanted', tag: 'Server', answers: ['Readiness'], isOpen: true, statuses: [503], query: { verbose: { type: 'string', description: 'Any value: counts are told, too.' } } },
  'GET /openapi.json': { id: 'getDocument', summary: 'This document', tag: 'Server', answers: ['OpenApiDocument'], isOpen: true }
}
