import { InvalidRequestError, quoted } from '../../errors.ts'
import { toOllamaAdvice } from '../../http/replies/ollama-paths.ts'
import type { UnservedRouteError } from '../../http/replies/unknown-routes.ts'

/** A request that no route serves, in the words api.openai.com uses. */
export function toUnservedRoute ({ what, status, method, path }: UnservedRouteError): InvalidRequestError {
  return new InvalidRequestError(toMessage(what, method, quoted(path)), { status })
}

function toMessage (what: UnservedRouteError['what'], method: string, path: string): string {
  switch (what) {
    case 'ollama': return toOllamaAdvice(method, path)
    case 'path': return `Invalid URL (${method} ${path})`
    case 'method': return `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`
    case 'websocket': return `There are no WebSockets on ${path}. POST to it by HTTP/1.1 instead.`
  }
}
