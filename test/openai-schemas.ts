import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

export type SchemaName = 'CreateChatCompletionResponse' | 'CreateChatCompletionStreamResponse' | 'CreateCompletionResponse' | 'CreateEmbeddingResponse' | 'ErrorResponse' | 'ListModelsResponse' | 'Model' | 'Response' | 'ResponseStreamEvent' | 'ResponseItemList'

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
for (const file of ['schemas.json', 'responses.json']) {
  ajv.addSchema(JSON.parse(readFileSync(new URL(`fixtures/openai/${file}`, import.meta.url), 'utf8')))
}

/** What OpenAI's own schema has against a value, as sentences; empty when nothing. */
export function faultsOf (name: SchemaName, value: unknown): string[] {
  const validate = ajv.getSchema(`openai#/$defs/${name}`) ?? ajv.getSchema(`openai-responses#/$defs/${name}`)
  if (validate === undefined) throw new Error(`no schema ${name}`)
  validate(value)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message} in ${JSON.stringify(value)}`)
}
