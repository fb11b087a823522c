/** Body of Ollama's failures; its clients print the text. */
export interface OllamaErrorBody {
  error: string
}

/** Whether a URL is one of Ollama's API, which is not served: clients that look for an Ollama ask for `/api/chat` or `/api/tags`. */
export function isOllamaPath (url: string): boolean {
  return /^\/+api(?:[/?]|$)/.test(url)
}

/** What to do instead. */
export function toOllamaAdvice (method: string, path: string): string {
  return `Ollama's API is not served here (${method} ${path}). OpenAI's is: have the client use an OpenAI-compatible provider, with /v1 of this address as its base URL (POST /v1/chat/completions, GET /v1/models).`
}

/** The same failure in Ollama's form. */
export function toOllamaBody (message: string): OllamaErrorBody {
  return { error: message }
}
