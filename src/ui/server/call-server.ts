import { apiKey, keyIsWanted, keyProblem } from './api-key.ts'
import { ServerError, toServerError } from './server-error.ts'

export interface ServerCall {
  /** JSON text; the request is a POST with it, and a GET without. */
  body?: string
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** The server's address with a slash at its end. The page lies below it, at `ui/`, whatever a server in front puts before. */
export function serverAddress (page: string = location.href): string {
  const { origin, pathname } = new URL(page)
  return origin + pathname.replace(/ui\/?(?:index\.html)?$/, '')
}

/**
 * Calls the server with the key of this tab.
 * @param path below the server's address, without a slash at its beginning
 * @throws ServerError when it refuses, or cannot be reached
 */
export async function callServer (path: string, { body, headers = {}, signal }: ServerCall = {}): Promise<Response> {
  const key = apiKey.value
  let response: Response
  try {
    response = await fetch(serverAddress() + path, {
      ...(body !== undefined && { method: 'POST', body }),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...(key !== '' && { authorization: `Bearer ${key}` }), ...headers },
      credentials: 'omit',
      redirect: 'error',
      ...(signal && { signal })
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ServerError('The server does not answer.', { kind: 'unreachable' })
  }
  if (response.ok) return response
  const failure = toServerError(response.status, response.headers, await response.text().catch(() => ''))
  // A refusal of a former key says nothing of the one there is now.
  if (failure.kind === 'key' && key === apiKey.value) {
    keyProblem.set(failure.message)
    keyIsWanted.set(true)
  }
  throw failure
}

/** @throws ServerError as `callServer` does */
export async function getJson<Value> (path: string, signal?: AbortSignal): Promise<Value> {
  const response = await callServer(path, signal ? { signal } : {})
  return await response.json() as Value
}
