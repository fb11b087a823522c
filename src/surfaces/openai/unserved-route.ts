import { InvalidRequestError, quoted } from '../../errors.ts'
import { toOllamaAdvice } from '../../http/replies/ollama-paths.ts'
import type { UnservedRouteError } from '../../http/replies/unknown-routes.ts'

/** The client adds `/v1` to a base URL that already ends with it. */
const VERSION_TWICE = /^(?:\/+openai)?\/+v1\/+v1(?:\/|$)/
const VERSION_HINT = '. (HINT: The path has /v1 twice. This client adds /v1 itself, so remove /v1 from its base URL.)'

/** A request that no route serves, in the words api.openai.com uses. */
export function toUnservedRoute ({ what, status, method, path }: UnservedRouteError): InvalidRequestError {
  return new InvalidRequestError(toMessage(what, method, path), { status })
}

function toMessage (what: UnservedRouteError['what'], method: string, path: string): string {
  const shown = quoted(path)
  switch (what) {
    case 'ollama': return toOllamaAdvice(method, shown)
    case 'path': return `Invalid URL (${method} ${shown})${VERSION_TWICE.test(path) ? VERSION_HINT : ''}`
    case 'method': return `Not allowed to ${method} on ${shown}. (HINT: Perhaps you meant to use a different HTTP method?)`
    case 'websocket': return `There are no WebSockets on ${shown}. POST to it by HTTP/1.1 instead.`
  }
}
