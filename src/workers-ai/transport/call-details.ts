/** What a native body asks for; a member is absent where the body does not have it. */
export interface AskedParameters {
  stream: boolean
  /** How many answers the whole request wants; each is a call of its own. */
  choices?: number
  maxTokens?: number
  temperature?: number
  topP?: number
  topK?: number
  seed?: number
  frequencyPenalty?: number
  presencePenalty?: number
  stop?: readonly string[]
  /** The answer is to be JSON. */
  isJson?: boolean
}

/** What an answer says of itself. */
export interface AnswerFacts {
  readonly answerId?: string | undefined
  readonly answerModel?: string | undefined
  readonly finishReason?: string | undefined
}

/** What is noted of a call for traces alone. Times are those of `performance.now()`, in milliseconds. */
export class CallDetails implements AnswerFacts {
  readonly asked: AskedParameters
  readonly content: CallContent | undefined
  readonly startedAt = performance.now()
  /** When the first bytes of a stream came. */
  firstPieceAt: number | undefined = undefined
  /** Undefined until it has ended. */
  endedAt: number | undefined = undefined
  /** Cloudflare's `cf-ai-req-id`. */
  requestId: string | undefined = undefined
  answerId: string | undefined = undefined
  answerModel: string | undefined = undefined
  finishReason: string | undefined = undefined

  constructor (asked: AskedParameters, keepsContent: boolean) {
    this.asked = asked
    this.content = keepsContent ? new CallContent() : undefined
  }

  end (facts?: AnswerFacts): void {
    this.endedAt ??= performance.now()
    if (facts === undefined) return
    this.answerId = facts.answerId
    this.answerModel = facts.answerModel
    this.finishReason = facts.finishReason
  }
}

/** Most characters that are kept of a body, and of an answer, whose frames repeat much. */
const MAX_SENT = 1024 * 1024
const MAX_RECEIVED = 8 * 1024 * 1024

/** An image as a data URL, or as the base64 text of a native body. `{1024,}` would remember every character, and overflow the stack. */
const IMAGE = /"(?:data:[^"]*|[A-Za-z0-9+/=]{1024}[A-Za-z0-9+/=]*)"/g

/** The native body of a call and its answer, without images. */
export class CallContent {
  /** JSON; undefined where it is too long. */
  body: string | undefined = undefined
  /** JSON or events; undefined where it is too long, or never came. */
  answer: string | undefined = undefined
  isTooLong = false

  sent (body: string): void {
    this.body = this.#kept(body.replaceAll(IMAGE, '"[left out]"'), MAX_SENT)
  }

  received (answer: string): void {
    this.answer = this.#kept(answer, MAX_RECEIVED)
  }

  #kept (text: string, most: number): string | undefined {
    if (text.length <= most) return text
    this.isTooLong = true
    return undefined
  }
}
