/** What a person at the terminal is told about a proxy that has begun to serve. */
export interface Serving {
  /** Of the proxy, with `/v1` at its end. */
  baseUrl: string
  upstream: string
  /** How many keys there are; 0 lets every client in. */
  keyCount: number
  /** A model to try. */
  model: string
}

/** Says where the proxy serves, who answers and who may ask. */
export function toBanner ({ baseUrl, upstream, keyCount }: Serving): string {
  const keys = keyCount === 0 ? 'none, every client is let in' : `${keyCount}`
  return `
  workers-ai-proxy serves

  base URL   ${baseUrl}
  upstream   ${upstream}
  API keys   ${keys}
`
}

/** One command that chats through the proxy. */
export function toCurl ({ baseUrl, keyCount, model }: Serving): string {
  const key = keyCount === 0 ? '' : ' -H "authorization: Bearer $API_KEY"'
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] })
  return `curl ${baseUrl}/chat/completions -H 'content-type: application/json'${key} -d '${body.replaceAll("'", "'\\''")}'`
}

/** The same with OpenAI's SDKs. */
export function toSdkLines ({ baseUrl, keyCount }: Serving): string {
  const [javascript, python] = keyCount === 0 ? ["'unused'", "'unused'"] : ['process.env.API_KEY', "os.environ['API_KEY']"]
  return `new OpenAI({ baseURL: '${baseUrl}', apiKey: ${javascript} })  // JavaScript
OpenAI(base_url='${baseUrl}', api_key=${python})  # Python`
}
