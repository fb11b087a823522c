import type { Answer } from './answer.ts'

/** An image that a person attached. */
export interface AttachedImage {
  name: string
  /** `data:image/…;base64,…` */
  url: string
}

export interface UserTurn {
  role: 'user'
  text: string
  images: readonly AttachedImage[]
}

/** What the calls of the answer before gave. */
export interface ToolTurn {
  role: 'tool'
  results: ReadonlyArray<{ id: string, content: string }>
}

export interface AssistantTurn {
  role: 'assistant'
  answer: Answer
}

export type Turn = UserTurn | ToolTurn | AssistantTurn
