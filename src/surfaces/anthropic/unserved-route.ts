import { InvalidRequestError, quoted } from '../../errors.ts'
import { toOllamaAdvice } from '../../http/replies/ollama-paths.ts'
import type { UnservedRouteError } from '../../http/replies/unknown-routes.ts'

/** A client that adds `/v1` to a base URL which already ends with it. */
const VERSION_TWICE = /^\/+v1\/+v1(?:\/|$)/

/** A request that no route serves, in Anthropic's words. */
export function toUnservedRoute ({ what, status, method, path }: UnservedRouteError): InvalidRequestError {
  return new InvalidRequestError(toMessage(what, method, path), { status })
}

function toMessage (what: UnservedRouteError['what'], method: string, path: string): string {
  const shown = quoted(path)
  switch (what) {
    case 'ollama': return toOllamaAdvice(method, shown)
    case 'path': return VERSION_TWICE.test(path)
      ? `Not found: ${shown}. The path has /v1 twice: this client adds /v1 itself, so remove /v1 from its base URL (ANTHROPIC_BASE_URL).`
      : `Not found: ${shown}. Of Anthropic's API, POST /v1/messages, POST /v1/messages/count_tokens and GET /v1/models are served.`
    case 'method': return `Method Not Allowed: ${method} on ${shown}`
    case 'websocket': return `There are no WebSockets on ${shown}.`
  }
}
