/** One model of `GET /v1/models`: OpenAI's four keys, and facts that clients of many servers look for beside them. */
export interface ModelObject {
  id: string
  object: 'model'
  /** Unix time in seconds; 0 when it is not known. */
  created: number
  owned_by: string
  [fact: string]: unknown
}

export interface ModelListObject {
  object: 'list'
  data: ModelObject[]
}
