/** The forms of an answer: one JSON value, server-sent events, or bytes (an image, speech). */
export type AnswerForm = 'json' | 'events' | 'bytes'

interface TaskFacts {
  /** Its names in Cloudflare's list; the first is the usual one. */
  listedAs: readonly [string, ...string[]]
  /** The form of a whole answer. */
  form: Exclude<AnswerForm, 'events'>
  /** The name of a model of this task in sentences, with its article. */
  noun: string
}

/** The tasks that this proxy serves, with all data that differs between them. */
export const TASKS = {
  'text-generation': {
    // Some chat models are listed by the second name.
    listedAs: ['Text Generation', 'Image-Text-to-Text'],
    form: 'json',
    noun: 'a chat model'
  },
  'text-embeddings': {
    listedAs: ['Text Embeddings'],
    form: 'json',
    noun: 'an embedding model'
  }
} as const satisfies Record<string, TaskFacts>

/** Our name of a served task. */
export type Task = keyof typeof TASKS

const BY_LISTED_NAME: ReadonlyMap<unknown, Task> = new Map(
  Object.entries(TASKS).flatMap(([task, { listedAs }]) => listedAs.map(name => [name, task as Task]))
)

/** @returns the task of a name in Cloudflare's list; 'other' for one that is not served */
export function toTask (listedName: unknown): Task | 'other' {
  return BY_LISTED_NAME.get(listedName) ?? 'other'
}
