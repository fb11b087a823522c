// Run after tsc: writes dist/openapi.json, and the same as it goes over the wire: a document of all routes that the built app
// serves. Bodies are the schemas that the routes validate by, answers the types that the code is checked against; operations.mjs
// has the words.
import { writeFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import swagger from '@fastify/swagger'
import { ANSWER_HEADERS, ERROR_HEADERS, MODEL_HEADERS, REQUEST_HEADERS } from './headers.mjs'
import { OPENAI, OPENAI_PREFIXES, OTHERS, TAGS } from './operations.mjs'
import { schemasOfTypes } from './schemas.mjs'

// What tsc has just written; who checks this file need not have built it.
const { buildApp } = await import(new URL('../../dist/app.js', import.meta.url).href)
const { readSettings } = await import(new URL('../../dist/index.js', import.meta.url).href)

const ERRORS = { openai: ['ErrorBody'], anthropic: ['AnthropicErrorBody'], both: ['ErrorBody', 'AnthropicErrorBody'] }

/** Operations by their ids, and the schemas of bodies by their names. */
const operations = new Map()
const bodies = new Map()

const logger = { level: 'silent', ...Object.fromEntries(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map(level => [level, () => {}])) }
const app = await buildApp(readSettings({ UPSTREAM: 'simulator' }), {
  logger: { ...logger, child: () => logger },
  beforeRoutes: app => app.register(swagger, { openapi: head(), convertConstToEnum: false, transform, transformObject: ({ openapiObject }) => complete(openapiObject) })
})
await app.ready()
const document = app.swagger()
await app.close()
const text = JSON.stringify(document)
writeFileSync('dist/openapi.json', text)
writeFileSync('dist/openapi.json.br', brotliCompressSync(text))
writeFileSync('dist/openapi.json.gz', gzipSync(text, { level: 9 }))

function head () {
  return {
    openapi: '3.1.0',
    info: {
      title: 'workers-ai-proxy',
      // Of the API: which program this is, strangers need not know.
      version: '1',
      description: "An OpenAI-compatible server for Cloudflare Workers AI, which also speaks Anthropic's Messages API. Request bodies may have further members: each has its effect or is told in `x-proxy-warnings`.",
      license: { name: 'MIT', identifier: 'MIT' }
    },
    servers: [{ url: '/', description: 'The server that this document comes from.' }],
    tags: TAGS,
    // Any of them; none where the server asks for no key.
    security: [{ bearer: [] }, { xApiKey: [] }, { apiKey: [] }, {}],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: "As OpenAI's clients send keys." },
        xApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: "As Anthropic's clients do." },
        apiKey: { type: 'apiKey', in: 'header', name: 'api-key', description: "As Azure's clients do." }
      }
    }
  }
}

/** What @fastify/swagger is told of a route. */
function transform ({ schema, url, route }) {
  const path = url.replace(/\/\*$/, '/:id').replace('/resp_:rest', '/:response_id')
  const found = find(`${route.method} `, path)
  if (found === undefined) {
    if (route.config?.isPageFile) return { schema: { hide: true }, url }
    throw new Error(`${route.method} ${path} is served, and .ci/openapi/operations.mjs does not describe it.`)
  }
  const { suffix = '', ...operation } = found
  const operationId = operation.id + suffix
  operations.set(operationId, operation)
  if (operation.body !== undefined) bodies.set(operation.body, JSON.parse(JSON.stringify(schema.body)))
  const { summary, description, tag, query, isOpen } = operation
  return {
    url: path,
    schema: {
      operationId,
      summary,
      ...(description && { description }),
      tags: [tag],
      ...(isOpen && { security: [] }),
      ...(query && { querystring: toQuery(query) })
    }
  }
}

function find (method, path) {
  const other = OTHERS[method + path]
  if (other !== undefined) return other
  for (const { prefix, ...rest } of OPENAI_PREFIXES) {
    const operation = path.startsWith(`${prefix}/`) ? OPENAI[method + path.slice(prefix.length)] : undefined
    if (operation !== undefined) return { ...operation, ...rest }
  }
}

function toQuery (query) {
  const names = Object.keys(query)
  return {
    type: 'object',
    properties: Object.fromEntries(names.map(name => [name, { ...query[name], required: undefined }])),
    required: names.filter(name => query[name].required)
  }
}

/** Puts bodies, answers, headers and failures to the paths that @fastify/swagger has written. */
function complete (document) {
  for (const item of Object.values(document.paths)) {
    for (const written of Object.values(item)) describe(written, operations.get(written.operationId))
  }
  const types = [...operations.values()].flatMap(({ answers = [], events = '' }) => [...answers, ...isName(events) ? [events] : []])
  const { components } = document
  components.schemas = { ...Object.fromEntries(bodies), ...schemasOfTypes([...types, 'DryRun', 'ErrorBody', 'AnthropicErrorBody']) }
  components.parameters = Object.fromEntries(Object.entries(REQUEST_HEADERS).map(([name, header]) => [name, { name, in: 'header', required: false, ...header }]))
  components.headers = { ...ANSWER_HEADERS, ...MODEL_HEADERS, ...ERROR_HEADERS }
  components.responses = Object.fromEntries([...operations.values()].map(operation => [nameOfResponse(operation), toResponse(operation)]))
  Object.assign(components.responses, Object.fromEntries(Object.entries(ERRORS).map(([api, names]) => [`${api}Error`, {
    description: 'What went wrong, in the words of the API that was asked.',
    headers: toHeaders({ ...ANSWER_HEADERS, ...ERROR_HEADERS }),
    content: { 'application/json': { schema: anyOf(names) } }
  }])))
  return document
}

/** Paths that differ in their prefix alone share one. */
function nameOfResponse ({ id, errors }) {
  return errors === 'both' ? `${id}OfBoth` : id
}

function describe (written, operation) {
  const { body, errors, isGenerating, statuses = [] } = operation
  if (isGenerating) written.parameters = [...written.parameters ?? [], ...Object.keys(REQUEST_HEADERS).map(name => ({ $ref: `#/components/parameters/${name}` }))]
  if (body !== undefined) written.requestBody = { required: true, content: { 'application/json': { schema: schemaOf(body) } } }
  const failure = { $ref: `#/components/responses/${errors}Error` }
  written.responses = {
    ...Object.fromEntries([200, ...statuses].map(status => [status, { $ref: `#/components/responses/${nameOfResponse(operation)}` }])),
    ...(errors && { '4XX': failure, '5XX': failure })
  }
}

function toResponse ({ answers, events, text, isGenerating }) {
  return {
    description: events === undefined ? 'The answer.' : `The answer; with \`stream: true\` events. ${isName(events) ? `The data of each is a \`${events}\`, and of the last one \`[DONE]\`.` : events}`,
    headers: toHeaders(isGenerating ? { ...ANSWER_HEADERS, ...MODEL_HEADERS } : ANSWER_HEADERS),
    content: {
      ...(answers && { 'application/json': { schema: anyOf(answers) } }),
      ...(events && { 'text/event-stream': { schema: isName(events) ? schemaOf(events) : { type: 'string' } } }),
      ...(text && { [text]: { schema: { type: 'string' } } })
    }
  }
}

function isName (words) {
  return /^\w+$/.test(words)
}

function schemaOf (name) {
  return { $ref: `#/components/schemas/${name}` }
}

function anyOf (names) {
  return names.length === 1 ? schemaOf(names[0]) : { anyOf: names.map(schemaOf) }
}

function toHeaders (headers) {
  return Object.fromEntries(Object.keys(headers).map(name => [name, { $ref: `#/components/headers/${name}` }]))
}
