import type { FunctionCall } from '../../generation/request.ts'

/** A message as Workers AI takes it. */
export interface NativeMessage {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  content: string | NativePart[]
  name?: string
  tool_calls?: FunctionCall[]
  tool_call_id?: string
  /** Earlier thinking, under the name that vLLM's chat templates read. */
  reasoning?: string
}

export type NativePart = { type: 'text', text: string } | NativeImagePart

/** An image as Workers AI takes it. */
export interface NativeImagePart {
  type: 'image_url'
  image_url: { url: string, detail?: string }
}
