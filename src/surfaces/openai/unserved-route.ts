import { InvalidRequestError, quoted } from '../../errors.ts'
import { toOllamaAdvice } from '../../http/replies/ollama-paths.ts'
import type { UnservedRouteError } from '../../http/replies/unknown-routes.ts'

/** The client adds `/v1` to a base URL that already ends with it. The path may be marked by `quoted`. */
const VERSION_TWICE = /^\W?(?:\/+openai)?\/+v1\/+v1(?:\/|\W?$)/
const VERSION_HINT = '. (HINT: The path has /v1 twice. This client adds /v1 itself, so remove /v1 from its base URL.)'

/** A request that no route serves, in the words api.openai.com uses. */
export function toUnservedRoute ({ what, status, method, path }: UnservedRouteError): InvalidRequestError {
  return new InvalidRequestError(toMessage(what, method, quoted(path)), { status })
}

function toMessage (what: UnservedRouteError['what'], method: string, path: string): string {
  switch (what) {
    case 'ollama': return toOllamaAdvice(method, path)
    case 'path': return `Invalid URL (${method} ${path})${VERSION_TWICE.test(path) ? VERSION_HINT : ''}`
    case 'method': return `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`
    case 'websocket': return `There are no WebSockets on ${path}. POST to it by HTTP/1.1 instead.`
  }
}
