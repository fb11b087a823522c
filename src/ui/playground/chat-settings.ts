import { Store } from '../shell/store.ts'

/** What a person set beside the conversation. Numbers are text as typed; empty ones are not sent. */
export interface ChatSettings {
  model: string
  system: string
  temperature: string
  maxTokens: string
  effort: '' | 'none' | 'minimal' | 'low' | 'medium' | 'high'
  format: 'text' | 'json_object' | 'json_schema'
  schema: string
  tools: string
  hasTools: boolean
  stream: boolean
}

const SAMPLE_TOOLS = JSON.stringify([{
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a city now',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', description: 'e.g. Oslo' } },
      required: ['city']
    }
  }
}], null, 2)

const SAMPLE_SCHEMA = JSON.stringify({
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false
}, null, 2)

export const chatSettings = new Store<ChatSettings>({
  model: '',
  system: '',
  temperature: '',
  maxTokens: '',
  effort: '',
  format: 'text',
  schema: SAMPLE_SCHEMA,
  tools: SAMPLE_TOOLS,
  hasTools: false,
  stream: true
})
