/** Answer of `POST /v1/embeddings`. */
export interface EmbeddingList {
  object: 'list'
  /** In the order of the inputs. */
  data: Embedding[]
  /** The model as the caller named it. */
  model: string
  usage: { prompt_tokens: number, total_tokens: number }
}

export interface Embedding {
  object: 'embedding'
  /** 0-based position of the input. */
  index: number
  /** The numbers, or base64 of them as little-endian 32-bit floats. */
  embedding: number[] | string
}
