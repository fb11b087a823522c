import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

/** What the upstream gives to one run: these bytes and nothing else. */
export interface NativeAnswer {
  status?: number
  contentType?: string
  headers?: Record<string, string>
  /** Several pieces are written one after the other, so that each is likely to be a read of its own. */
  body: string | Buffer | Array<string | Buffer>
  /** How the connection ends: as HTTP wants it, broken off, or not at all. */
  end?: 'reset' | 'never'
}

/** One run the upstream was asked for. */
export interface NativeRun {
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  /** True once the asking side has left before the answer was complete. */
  isAborted: boolean
}

export interface NativeUpstream {
  /** The base of Cloudflare's API. */
  url: string
  runs: NativeRun[]
}

/** Starts a Cloudflare that gives literal bytes to every run, the nth answer to the nth, and lists no models. */
export async function startNativeUpstream (t: Test, answer: (run: NativeRun, count: number) => NativeAnswer): Promise<NativeUpstream> {
  const runs: NativeRun[] = []
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      response.writeHead(403).end()
      return
    }
    const run: NativeRun = { path: request.url ?? '', headers: request.headers, body: JSON.parse(await text(request)), isAborted: false }
    response.once('close', () => { run.isAborted = !response.writableFinished })
    const { status = 200, contentType = 'application/json', headers = {}, body, end } = answer(run, runs.push(run))
    response.writeHead(status, { 'content-type': contentType, ...headers })
    for (const piece of [body].flat()) {
      response.write(piece)
      if (Array.isArray(body)) await sleep(5)
    }
    if (end === 'reset') {
      await sleep(20)
      response.socket?.resetAndDestroy()
    } else if (end === undefined) {
      response.end()
    }
  })
  server.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, runs }
}
