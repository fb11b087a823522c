/** OpenAI's error object, the body of every failure and of the error event inside a stream. */
export interface ErrorBody {
  error: {
    message: string
    type: string
    param: string | null
    code: string | null
  }
}
