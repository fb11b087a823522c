import type { FastifyInstance, FastifyRequest } from 'fastify'

const PAGE_FILE = { config: { isPageFile: true } }

/** Whatever a browser makes of a page, it asks for nothing else and stands in no frame. */
const SAFE = { 'content-security-policy': "default-src 'none'; frame-ancestors 'none'", 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

/**
 * `GET /`: what this is and where its base URL is, as a page for browsers and as text for others, without a key. Beside it
 * what browsers and crawlers ask for by themselves.
 * @param needs what clients must send
 * @param hasPage browsers are led to the page at `/ui/`
 */
export function home (app: FastifyInstance, needs: 'nothing' | 'key' | 'token', hasPage: boolean): void {
  app.get('/', PAGE_FILE, (request, reply) => {
    const url = toBaseUrl(request)
    reply.headers({ ...SAFE, vary: 'accept', 'cache-control': 'no-store' })
    const isBrowser = /\btext\/html\b/.test(request.headers.accept ?? '')
    // Relative, because a server in front may have put a path before ours.
    if (isBrowser && hasPage) return reply.code(302).header('location', 'ui/').send()
    if (isBrowser) return reply.type('text/html; charset=utf-8').send(toPage(url, NEEDS[needs]))
    return reply.type('text/plain; charset=utf-8').send(toText(url, NEEDS[needs]))
  })
  app.get('/favicon.ico', PAGE_FILE, (_request, reply) => reply.code(204).header('cache-control', 'max-age=86400').send())
  app.get('/robots.txt', PAGE_FILE, (_request, reply) => reply.type('text/plain; charset=utf-8').send('User-agent: *\nDisallow: /\n'))
}

const NEEDS = {
  nothing: 'It asks for no key; clients that want one may send any.',
  key: 'Clients send one of its keys: Authorization: Bearer YOUR_KEY.',
  token: 'Clients send their own Cloudflare API token as the key: Authorization: Bearer YOUR_TOKEN.'
}

const WHAT = 'An OpenAI-compatible server in front of Cloudflare Workers AI. This address is for programs: give it to an OpenAI client as its base URL.'

function toText (url: string, needs: string): string {
  return `workers-ai-proxy\n\n${WHAT}\n\nbase URL   ${url}\nmodels     ${url}/models\n\n${needs}\n`
}

function toPage (url: string, needs: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>workers-ai-proxy</title>
<h1>workers-ai-proxy</h1>
<p>${WHAT}</p>
<p>Base URL: <code>${url}</code></p>
<p>Models: <a href="/v1/models">${url}/models</a></p>
<p>${needs}</p>
</html>
`
}

/** As its caller reached it; a name that could be anything but one is left out. */
function toBaseUrl ({ headers }: FastifyRequest): string {
  const { host = '' } = headers
  if (!/^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(host)) return '/v1'
  return `${headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'}://${host}/v1`
}
