import type { UpstreamError } from '../../errors.ts'

/** Who can do something about a failure. */
export type Fault = 'caller' | 'credentials' | 'account' | 'model' | 'cloudflare'

/**
 * What a failure means where several accounts serve as one: another account is asked, and this one
 * - `used-up`: is out until 00:00 UTC, when its free neurons come anew;
 * - `refused`: is out until Cloudflare takes its credentials again;
 * - `busy`: rests for a while, for this model;
 * - `barred`: rests longer, for this model, which it may not run;
 * - `broken`: rests after several failures in a row; asking another one is an ordinary retry.
 */
export type AccountEffect = 'used-up' | 'refused' | 'busy' | 'barred' | 'broken'

interface Policy {
  /** The same request may succeed later, and nothing was billed. */
  retry: boolean
  /** Another model may do better. */
  fallback: boolean
  /** Why more calls of this model would fail as well; absent if the failure does not predict the next call. */
  circuit?: 'capacity' | 'rate-limit'
  fault: Fault
  /** Absent where no other of several accounts would do better: the request, or the model, is at fault, or it was billed. */
  account?: AccountEffect
  /** A whole sentence about what to do, if it is known and differs between failures of the same kind. */
  next?: string
}

const wrongRequest: Policy = { retry: false, fallback: false, fault: 'caller' }
const wrongCredentials: Policy = { retry: false, fallback: false, fault: 'credentials', account: 'refused' }
const noModel: Policy = { retry: false, fallback: true, fault: 'model' }
const notAllowed: Policy = { retry: false, fallback: true, fault: 'account', account: 'barred' }

/** Every meaning of a failure of Cloudflare, of a model or of the connection, with its consequences. */
export const MEANINGS = {
  'bad-request': wrongRequest,
  overflow: wrongRequest,
  'too-large': wrongRequest,
  token: wrongCredentials,
  'gateway-token': wrongCredentials,
  account: wrongCredentials,
  'unknown-model': noModel,
  'retired-model': noModel,
  'private-model': notAllowed,
  licence: { ...notAllowed, next: 'Its licence is accepted once for the account, by running the model with the prompt "agree".' },
  plan: { ...notAllowed, next: 'The account needs the Workers Paid plan for it.' },
  'blocked-account': { retry: false, fallback: false, fault: 'account', account: 'refused' },
  forbidden: { retry: false, fallback: false, fault: 'account' },
  quota: { retry: false, fallback: false, fault: 'account', account: 'used-up' },
  /** None of several accounts could be asked. */
  out: { retry: false, fallback: false, fault: 'account' },
  capacity: { retry: true, fallback: true, circuit: 'capacity', fault: 'cloudflare', account: 'busy' },
  'rate-limit': { retry: true, fallback: true, circuit: 'rate-limit', fault: 'account', account: 'busy' },
  overloaded: { retry: true, fallback: true, fault: 'cloudflare', account: 'busy' },
  internal: { retry: true, fallback: true, fault: 'cloudflare', account: 'broken' },
  /** Reported under a status of success, so it has run and was billed. */
  failure: { retry: false, fallback: false, fault: 'cloudflare' },
  /** The model was slow, and would be slow (and billed) again. */
  timeout: { retry: false, fallback: true, fault: 'model', account: 'broken' },
  unreachable: { retry: true, fallback: true, fault: 'cloudflare', account: 'broken' },
  /** The model has run and was billed. */
  malformed: { retry: false, fallback: true, fault: 'cloudflare' },
  empty: { retry: false, fallback: true, fault: 'model' },
  truncated: { retry: false, fallback: true, fault: 'cloudflare' }
} satisfies Record<string, Policy>

export type Meaning = keyof typeof MEANINGS

/** One of Cloudflare's codes. */
export interface ErrorCode {
  code: number
  /** Its usual HTTP status. */
  status: number
  /** Its sentence, or one of them, without Cloudflare's wrapping. */
  sentence: string
  /** Absent if the status says more than the code. */
  meaning?: Meaning
  /** Applies only under a status of success; any other status says more. */
  isOfSuccess?: true
  /** The part of the request that it refuses, if that is always the same. */
  about?: 'lora' | 'stream' | 'format' | 'limit'
  /** The other form in which the request may pass: JSON requested in the prompt, or another form of the body. */
  otherForm?: 'words' | 'body'
  /** From the API or the gateway in front of Workers AI, not from Workers AI itself. */
  origin?: 'edge'
}

/** Cloudflare's error page, and codes observed on live accounts. */
export const ERROR_CODES: readonly ErrorCode[] = [
  { code: 1000, status: 200, sentence: 'Internal failure', meaning: 'internal', isOfSuccess: true },
  { code: 2003, status: 429, sentence: 'Rate limited', meaning: 'rate-limit', origin: 'edge' },
  { code: 2008, status: 400, sentence: 'Invalid provider', meaning: 'bad-request', origin: 'edge' },
  { code: 2009, status: 401, sentence: 'Unauthorized', meaning: 'gateway-token', origin: 'edge' },
  { code: 3003, status: 400, sentence: 'Request is missing headers or body', meaning: 'bad-request' },
  { code: 3006, status: 413, sentence: 'Request is too large', meaning: 'too-large' },
  { code: 3007, status: 408, sentence: 'Request timeout', meaning: 'timeout' },
  { code: 3008, status: 408, sentence: 'Request was aborted', meaning: 'timeout' },
  { code: 3010, status: 413, sentence: 'The estimated number of input and maximum output tokens exceeded this model context window limit.', meaning: 'overflow' },
  { code: 3023, status: 403, sentence: 'Service unavailable for account', meaning: 'blocked-account' },
  { code: 3030, status: 400, sentence: 'Internal Server Error', meaning: 'bad-request' },
  { code: 3036, status: 429, sentence: "You have used up your daily free allocation of 10,000 neurons. Please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage.", meaning: 'quota' },
  { code: 3039, status: 400, sentence: 'Finetune is missing required files (model.safetensors and config.json)', meaning: 'bad-request' },
  { code: 3040, status: 429, sentence: 'Capacity temporarily exceeded, please try again.', meaning: 'capacity' },
  { code: 3041, status: 403, sentence: 'The account is not allowed to access this model', meaning: 'private-model' },
  { code: 3042, status: 404, sentence: 'The model name is invalid', meaning: 'unknown-model' },
  /** The model's own time limit, seen after 120 to 240 s. */
  { code: 3046, status: 408, sentence: 'AiError: Request timeout', meaning: 'timeout' },
  { code: 4006, status: 429, sentence: "you have used up your daily free allocation of 10,000 neurons, please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage.", meaning: 'quota' },
  { code: 5004, status: 400, sentence: 'Invalid data type for base64 input: undefined', meaning: 'bad-request' },
  { code: 5005, status: 405, sentence: 'The model does not support LoRa inference', meaning: 'bad-request', about: 'lora' },
  { code: 5006, status: 400, sentence: "Bad input: Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', required properties at '/' are 'messages'", meaning: 'bad-request', otherForm: 'body' },
  { code: 5007, status: 400, sentence: 'No such model @cf/simulated/model or task', meaning: 'unknown-model' },
  { code: 5012, status: 422, sentence: 'The input could not be processed', meaning: 'bad-request' },
  { code: 5016, status: 403, sentence: 'User has not agreed to Llama3.2 model terms', meaning: 'licence' },
  { code: 5018, status: 403, sentence: 'The account is not allowed to access this model', meaning: 'private-model' },
  { code: 5019, status: 405, sentence: 'Request trying to use deprecated SDK version', meaning: 'bad-request' },
  { code: 5021, status: 413, sentence: 'Ai: The estimated number of input and maximum output tokens (24092) exceeded this model context window limit (24000).', meaning: 'overflow' },
  { code: 5023, status: 400, sentence: 'JSON Schema mode is not supported with stream mode.', meaning: 'bad-request', about: 'stream', otherForm: 'words' },
  { code: 5024, status: 400, sentence: "JSON Mode couldn't be met" },
  /** Seen with 400 and with 403. */
  { code: 5025, status: 400, sentence: "This model doesn't support JSON Schema", meaning: 'bad-request', about: 'format', otherForm: 'words' },
  { code: 5028, status: 400, sentence: 'This model was deprecated on 2026-05-30. Please use an alternative model.', meaning: 'retired-model' },
  { code: 5035, status: 403, sentence: 'Model requires Workers Paid plan', meaning: 'plan' },
  { code: 6003, status: 400, sentence: 'Invalid request headers', meaning: 'token', origin: 'edge' },
  { code: 6111, status: 400, sentence: 'Invalid format for Authorization header', meaning: 'token', origin: 'edge' },
  { code: 7000, status: 400, sentence: 'No route for that URI', meaning: 'unknown-model', origin: 'edge' },
  { code: 7001, status: 404, sentence: 'AiError: {"object":"error","message":"The model does not exist.","type":"NotFoundError","param":null,"code":404}', meaning: 'unknown-model' },
  { code: 7003, status: 404, sentence: 'Could not route to /client/v4/accounts/unknown/ai/run, perhaps your object identifier is invalid?', meaning: 'account', origin: 'edge' },
  { code: 8001, status: 400, sentence: 'Invalid input', meaning: 'bad-request', otherForm: 'body' },
  { code: 8005, status: 500, sentence: 'Internal Server Error' },
  { code: 8006, status: 400, sentence: 'The forced tool call could not be completed within max_tokens', meaning: 'bad-request', about: 'limit' },
  { code: 8007, status: 400, sentence: `AiError: ${JSON.stringify({ object: 'error', message: "Requested token count exceeds the model's maximum context length of 262144 tokens.", type: 'BadRequestError', param: null, code: 400 })}`, meaning: 'bad-request' },
  { code: 9109, status: 403, sentence: 'Unauthorized to access requested resource', meaning: 'token', origin: 'edge' },
  { code: 10000, status: 401, sentence: 'Authentication error', meaning: 'token', origin: 'edge' }
]

const BY_CODE: ReadonlyMap<number, ErrorCode> = new Map(ERROR_CODES.map(row => [row.code, row]))

/** Whether a code is in the table; Cloudflare may use others. */
export function isKnownCode (code: number): boolean {
  return BY_CODE.has(code)
}

/** Cloudflare's codes for no capacity, and for an unknown account. */
export const NO_CAPACITY = 3040
export const UNKNOWN_ACCOUNT = 7003

/** Both codes of the daily free neurons may be missing; then only the text distinguishes them from other 429s. */
const QUOTA = /daily free allocation/i

/**
 * Texts of Cloudflare and its model servers about a full context window, under any code:
 * vLLM's, text-embeddings-inference's, and those of Cloudflare's own embedding models.
 */
const OVERFLOW = /context window limit|maximum context length|requested token count exceeds|supports at most \d+|max context reached|longer than the maximum model length|sequence too long|must have less than \d+ tokens/i

/** Where such a sentence says how many tokens were asked for, and how many there may be. */
const ASKED = [/maximum output tokens \((\d+)\)/i, /requested (?:a total of )?(\d+) tokens/i, /at least (\d+) input tokens/i]
const LIMIT = [/limit \((\d+)\)/i, /maximum context length (?:is|of) (\d+)/i, /supports at most (\d+)/i, /less than (\d+) tokens/i]

/** The numbers of tokens in a sentence about a context window, as far as it has them. */
export function toOverflowTokens (sentence: string): { asked: number | undefined, limit: number | undefined } {
  const find = (patterns: readonly RegExp[]) => {
    const digits = patterns.map(pattern => pattern.exec(sentence)?.[1]).find(one => one !== undefined)
    return digits === undefined ? undefined : Number(digits)
  }
  return { asked: find(ASKED), limit: find(LIMIT) }
}

/** Cloudflare's sentence if a model did not meet a schema; its documentation tells callers to expect it. */
const UNMET = /JSON Mode couldn't be met/i

/** What is known of a failure. */
export interface FailureFacts extends Policy, Pick<ErrorCode, 'about' | 'otherForm'> {
  meaning: Meaning
}

const NOTHING_MORE: Pick<ErrorCode, 'about' | 'otherForm'> = {}

/** What a failure means and what follows from it, by its words, its code and its status, in this order. */
export function toFacts (error: Pick<UpstreamError, 'kind' | 'status' | 'code' | 'message'>): FailureFacts {
  const row = rowOf(error)
  const meaning = toMeaning(error, row)
  const { about, otherForm } = row?.meaning === meaning ? row : NOTHING_MORE
  const isUnmet = error.kind === 'refused' && UNMET.test(error.message)
  return { meaning, ...MEANINGS[meaning], ...(about && { about }), ...(isUnmet ? { otherForm: 'words' } : otherForm && { otherForm }) }
}

/** Whether a refusal says that the texts of one call are too long together, so that fewer of them may pass. */
export function isSumTooLong (error: UpstreamError): boolean {
  return toFacts(error).meaning === 'overflow' && !/sequence too long/i.test(error.message)
}

function rowOf ({ kind, code, status }: Pick<UpstreamError, 'kind' | 'code' | 'status'>): ErrorCode | undefined {
  if (kind !== 'refused' || code === undefined) return undefined
  const row = BY_CODE.get(code)
  return row?.isOfSuccess && !isSuccess(status) ? undefined : row
}

function toMeaning ({ kind, status, message }: Pick<UpstreamError, 'kind' | 'status' | 'message'>, row: ErrorCode | undefined): Meaning {
  if (kind !== 'refused') return kind
  if (row?.meaning === 'quota' || QUOTA.test(message)) return 'quota'
  if (OVERFLOW.test(message)) return 'overflow'
  return row?.meaning ?? toMeaningOfStatus(status)
}

/** 504 and 524 come after a minute or more: a gateway's retryTime has ended, as the model's own has with 408. */
function toMeaningOfStatus (status: number): Meaning {
  switch (status) {
    case 401: return 'token'
    case 403: return 'forbidden'
    case 404: return 'unknown-model'
    case 408: return 'timeout'
    case 413: return 'too-large'
    case 429: return 'rate-limit'
    case 503: return 'overloaded'
    case 504:
    case 524: return 'timeout'
  }
  if (status >= 400 && status < 500) return 'bad-request'
  // Cloudflare reports some failures of its own with status 200 and `success: false`.
  return isSuccess(status) ? 'failure' : 'internal'
}

function isSuccess (status: number): boolean {
  return status >= 200 && status < 300
}
