import type { FailureKind } from '../workers-ai/transport/failure-kind.ts'
import type { ModelSurvey } from '../inference/model-survey.ts'
import { SETTINGS } from '../settings/schema.ts'

/** What the banner shows of a running proxy. */
export interface ServerInfo {
  /** Of the proxy. */
  version: string
  /** Of the proxy, with `/v1` at its end. */
  baseUrl: string
  upstream: 'cloudflare' | 'simulator'
  /** What clients must send: nothing, one of the proxy's keys, or a Cloudflare token of their own. */
  access: 'open' | 'keys' | 'tokens'
  /** How many keys there are. */
  keyCount: number
  models: ModelSurvey
  /** A model to try. */
  model: string
}

/** The banner: base URL, upstream, models and access. */
export function toBanner (server: ServerInfo): string {
  const { version, baseUrl, upstream, models: { count, failure } } = server
  const known = count === undefined ? '' : `${count.all}, of which ${count.chat} are for chat; `
  const told = failure === undefined ? `${known}listed at ${baseUrl}/models` : FAILURES[failure].inShort
  return `
  workers-ai-proxy ${version} is running

  base URL   ${baseUrl}
  upstream   ${upstream === 'simulator' ? 'the simulator inside this program' : 'Cloudflare Workers AI'}
  models     ${told}
  API keys   ${toAccess(server)}
${failure === undefined ? '' : `\n${FAILURES[failure].meaning}\nRun the same command line with doctor to find the cause.\n`}`
}

/** Consequences of a failure to list the models, in lines of at most 100 columns. */
const FAILURES: Record<FailureKind, { inShort: string, meaning: string }> = {
  token: {
    inShort: 'unknown: Cloudflare refused the API token',
    meaning: `Cloudflare refused CLOUDFLARE_API_TOKEN when the proxy requested the list of models. Either the
token is wrong, expired or for another account; then every request will fail with 401. Or it may
run models but not list them; then the proxy serves requests with its built-in list of models.`
  },
  account: {
    inShort: 'unknown: Cloudflare does not know the account id',
    meaning: `Cloudflare has no account with this CLOUDFLARE_ACCOUNT_ID. An account id has 32 hexadecimal digits;
it is not the token. Every request will fail until the id is correct.`
  },
  network: {
    inShort: 'unknown: Cloudflare cannot be reached',
    meaning: 'Cloudflare did not answer the request for its models. Requests will fail until it answers.'
  },
  other: {
    inShort: 'unknown: Cloudflare did not list them',
    meaning: 'Cloudflare failed to list its models. The proxy uses its built-in list until Cloudflare does.'
  }
}

/** A curl command for one chat, on one line so that it can be pasted. */
export function toCurl ({ baseUrl, access, model }: ServerInfo): string {
  const variable = KEY_VARIABLES[access]
  const key = variable === undefined ? '' : ` -H "authorization: Bearer $${variable}"`
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] })
  return `curl ${baseUrl}/chat/completions -H 'content-type: application/json'${key} -d '${body.replaceAll("'", "'\\''")}'`
}

/** The same with OpenAI's SDKs. */
export function toSdkLines ({ baseUrl, access }: ServerInfo): string {
  const variable = KEY_VARIABLES[access]
  const [javascript, python] = variable === undefined ? ["'unused'", "'unused'"] : [`process.env.${variable}`, `os.environ['${variable}']`]
  return `new OpenAI({ baseURL: '${baseUrl}', apiKey: ${javascript} })  // JavaScript
OpenAI(base_url='${baseUrl}', api_key=${python})  # Python`
}

/** The next step: how to use an account instead of the simulator, or how to diagnose an account. */
export function toNextStep ({ upstream }: ServerInfo): string {
  if (upstream === 'cloudflare') return 'If that fails, run the same command line with doctor to find the cause.'
  const missing = SETTINGS.filter(({ name }) => name === 'CLOUDFLARE_ACCOUNT_ID' || name === 'CLOUDFLARE_API_TOKEN')
  return ['To use real models, set these variables and start without the simulator:', ...missing.map(({ name, howToGet }) => `  ${name.padEnd(21)}  ${howToGet}`)].join('\n')
}

/** The shell variables that hold the key in the commands above, because a key is a secret. */
const KEY_VARIABLES = { open: undefined, keys: 'API_KEY', tokens: 'CLOUDFLARE_API_TOKEN' } as const

function toAccess ({ access, keyCount }: ServerInfo): string {
  switch (access) {
    case 'open': return 'none; every client is accepted'
    case 'keys': return `${keyCount}; set API_KEY to one of them for the lines below`
    case 'tokens': return 'none; clients send their own Cloudflare API token'
  }
}
