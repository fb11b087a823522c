/** An API that can be asked what it would send. */
export interface TranslatedSurface {
  name: string
  title: string
  path: string
  /** A request that shows something. */
  sample: (model: string, embeddingModel: string) => object
}

const WEATHER = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

export const SURFACES: readonly TranslatedSurface[] = [
  {
    name: 'chat',
    title: 'Chat completions',
    path: 'v1/chat/completions',
    sample: model => ({
      model,
      messages: [{ role: 'developer', content: 'Be brief.' }, { role: 'user', content: 'What is the weather in Oslo?' }],
      tools: [{ type: 'function', function: { name: 'get_weather', description: 'The weather of a city', parameters: WEATHER } }],
      top_k: 1_000,
      logit_bias: { 50256: -100 },
      user: 'ann'
    })
  },
  { name: 'completions', title: 'Completions', path: 'v1/completions', sample: model => ({ model, prompt: 'Once upon a time', max_tokens: 60, suffix: 'The end.' }) },
  {
    name: 'responses',
    title: 'Responses',
    path: 'v1/responses',
    sample: model => ({
      model,
      instructions: 'Be brief.',
      input: 'What is the weather in Oslo?',
      tools: [{ type: 'function', name: 'get_weather', parameters: WEATHER, strict: true }, { type: 'web_search' }],
      reasoning: { effort: 'low' },
      store: false
    })
  },
  { name: 'embeddings', title: 'Embeddings', path: 'v1/embeddings', sample: (_, model) => ({ model, input: ['Oslo', 'Bergen'], user: 'ann' }) },
  {
    name: 'messages',
    title: "Anthropic's Messages",
    path: 'v1/messages',
    sample: model => ({
      model,
      max_tokens: 300,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [{ role: 'user', content: 'What is the weather in Oslo?' }],
      tools: [{ name: 'get_weather', description: 'The weather of a city', input_schema: WEATHER }],
      metadata: { user_id: 'ann' }
    })
  }
]

export function toSurface (name: string): TranslatedSurface {
  return SURFACES.find(surface => surface.name === name) ?? SURFACES[0] as TranslatedSurface
}
