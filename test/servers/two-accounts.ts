import type { Test } from 'tap'
import type { AppParts } from '../../src/app.ts'
import { startProxy, type Proxy } from './start-proxy.ts'
import { startRecordedUpstream, HELLO, type Answer, type Recorded } from './recorded-upstream.ts'

/** Ids of the accounts, which nobody may be told. */
export const IDS = { main: 'id-of-main-0815-0815', backup: 'id-of-backup-4711-4711' } as const
export type Name = keyof typeof IDS
const TOKENS = { main: 'token-of-main-123456', backup: 'token-of-backup-654321' } as const

/** What must be in no answer, log line or figure. */
export const SECRETS = [...Object.values(IDS), ...Object.values(TOKENS)]

/** A Cloudflare with two accounts. */
export interface Accounts {
  url: string
  /** Which account each run asked, in their order. */
  asked: () => Name[]
  runs: Recorded[]
  /** What an account answers to runs from now on; undefined lets it serve. */
  answer: (name: Name, answer: Answer | ((run: Recorded) => Answer | undefined) | undefined) => void
}

export async function startAccounts (t: Test): Promise<Accounts> {
  const answers: Partial<Record<Name, Answer | ((run: Recorded) => Answer | undefined) | undefined>> = {}
  const upstream = await startRecordedUpstream(t, run => {
    const answer = answers[accountOf(run)]
    return (typeof answer === 'function' ? answer(run) : answer) ?? serve(run)
  })
  return {
    url: upstream.url,
    asked: () => upstream.runs.map(accountOf),
    runs: upstream.runs,
    answer: (name, answer) => { answers[name] = answer }
  }
}

function accountOf ({ target }: Recorded): Name {
  const id = /\/(?:accounts|v1)\/([^/]+)\//.exec(target)?.[1]
  return id === IDS.backup ? 'backup' : 'main'
}

function serve ({ body }: Recorded): Answer {
  if ('text' in body) return { body: { success: true, result: { shape: [1, 2], data: [[0.1, 0.2]] } } }
  if (body['stream'] !== true) return HELLO
  return toStream('{"response":"hello"}', '{"response":"","usage":{"prompt_tokens":1,"completion_tokens":1}}', '[DONE]')
}

export function toStream (...frames: string[]): Answer {
  return { contentType: 'text/event-stream', body: frames.map(frame => `data: ${frame}\n\n`).join('') }
}

/** A refusal by Cloudflare. */
export function refusal (code: number | undefined, status: number, message = 'words', headers: Record<string, string> = {}): Answer {
  return { status, headers, body: { success: false, result: null, messages: [], errors: code === undefined ? [] : [{ code, message }] } }
}

/** The setting of the two accounts. */
export function toSetting (rest: Partial<Record<Name, object>> = {}): string {
  return JSON.stringify((['main', 'backup'] as const).map(name => ({ name, account_id: IDS[name], api_token: TOKENS[name], ...rest[name] })))
}

/** A proxy with the two accounts; the first one is preferred unless something else is set. */
export function startWithAccounts (t: Test, { url }: Pick<Accounts, 'url'>, env: Record<string, string> = {}, parts: AppParts = {}): Promise<Proxy> {
  return startProxy(t, { ...toEnvironment(url), ...env }, {}, parts)
}

export function toEnvironment (url: string): Record<string, string> {
  return {
    CLOUDFLARE_ACCOUNT_ID: '',
    CLOUDFLARE_API_TOKEN: '',
    CLOUDFLARE_API_BASE_URL: url,
    CLOUDFLARE_ACCOUNTS: toSetting(),
    ACCOUNT_ROUTING: 'order'
  }
}
