// Headers that the proxy reads and writes beside those of HTTP.

const text = { type: 'string' }
const count = { type: 'integer' }

/** @type {Record<string, { description: string, schema: object }>} of requests that ask a model */
export const REQUEST_HEADERS = {
  'x-dry-run': { description: '`true`: no model is asked. The answer is a `DryRun`: what would be sent to Cloudflare, with every change.', schema: { type: 'string', enum: ['true'] } },
  'cache-control': { description: 'Where answers are kept: `no-store` neither looks for one nor keeps it, `no-cache` does not look.', schema: text },
  'x-native-frames': { description: '`true`: a stream tells what Cloudflare sent, as comments before the chunks that are made of it.', schema: { type: 'string', enum: ['true'] } },
  'x-request-id': { description: 'Up to 128 letters, digits, `.`, `_` and `-`; the answer and the log have it, too.', schema: text },
  'x-session-affinity': { description: 'Requests of one conversation, whose prompts a cache may hold.', schema: text },
  'x-simulator': { description: 'With `UPSTREAM=simulator` only: what to answer.', schema: text }
}

/** @type {Record<string, { description: string, schema: object }>} of every answer */
export const ANSWER_HEADERS = {
  'x-request-id': { description: 'Names the request in the log.', schema: text }
}

/** @type {Record<string, { description: string, schema: object }>} of answers of a model */
export const MODEL_HEADERS = {
  'x-proxy-model': { description: 'The model that was asked.', schema: text },
  'x-proxy-attempts': { description: 'How often Cloudflare was asked.', schema: count },
  'x-proxy-warnings': { description: 'What of the request or the answer was not passed on as it was.', schema: text },
  'x-proxy-cache': { description: 'Where answers are kept: whether this one was.', schema: { type: 'string', enum: ['hit', 'miss', 'bypass'] } },
  age: { description: 'Of a kept answer: its seconds.', schema: count },
  'cf-ai-req-id': { description: "Cloudflare's id of the call.", schema: text },
  'cf-ai-neurons': { description: 'What the answer cost, where it is known when the answer begins.', schema: { type: 'number' } },
  ...Object.fromEntries(['requests', 'tokens'].flatMap(what => [
    [`x-ratelimit-limit-${what}`, { description: `The key's limit of ${what} a minute, where it has one; Anthropic's API has its own names.`, schema: count }],
    [`x-ratelimit-remaining-${what}`, { description: `What is left of the ${what}.`, schema: count }],
    [`x-ratelimit-reset-${what}`, { description: 'How long until all are there again, as `1m30s`.', schema: text }]
  ]))
}

/** @type {Record<string, { description: string, schema: object }>} of failures */
export const ERROR_HEADERS = {
  'retry-after': { description: 'Seconds to wait before another attempt, where one is worth it.', schema: count },
  'retry-after-ms': { description: 'The same in milliseconds.', schema: count },
  'x-should-retry': { description: 'Whether another attempt is worth it.', schema: { type: 'string', enum: ['true', 'false'] } }
}
