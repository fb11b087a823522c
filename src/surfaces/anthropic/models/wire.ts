/** One model of `GET /v1/models`, as Anthropic's clients know it. */
export interface AnthropicModel {
  type: 'model'
  id: string
  display_name: string
  /** RFC 3339; the beginning of 1970 when it is not known. */
  created_at: string
  /** The context window, in tokens. */
  max_input_tokens: number | null
  /** The most tokens of an answer, where that is known to be less than the window. */
  max_tokens: number | null
}

export interface AnthropicModelList {
  data: AnthropicModel[]
  has_more: boolean
  first_id: string | null
  last_id: string | null
}
