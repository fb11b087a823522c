import type { ModelListObject, ModelObject } from './wire.ts'
import type { ListedModel } from '../../../inference/models.ts'

type Model = ListedModel['model']

export function toModelObject ({ name: id, model, isRetired }: ListedModel): ModelObject {
  return {
    id,
    object: 'model',
    created: model.created ?? 0,
    owned_by: model.id.split('/')[1] ?? 'cloudflare',
    ...(id !== model.id && { root: model.id }),
    task: model.task,
    ...(model.contextWindow !== undefined && { context_length: model.contextWindow, max_model_len: model.contextWindow }),
    ...(model.maxOutputTokens !== undefined && { max_output_tokens: model.maxOutputTokens }),
    ...(model.dimensions !== undefined && { dimensions: model.dimensions }),
    ...(model.task === 'text-generation' && {
      capabilities: { tools: model.tools, vision: model.vision, reasoning: model.reasoning, json: model.json, lora: model.lora }
    }),
    ...(model.price && { pricing: { input: model.price.input ?? null, output: model.price.output ?? null, cached_input: model.price.cachedInput ?? null, unit: 'USD per million tokens' } }),
    ...(model.beta && { beta: true }),
    ...(model.paidOnly && { requires_workers_paid: true }),
    ...(model.retirement !== undefined && { shutdown_date: model.retirement }),
    ...(isRetired && { retired: true, successor: model.successor ?? null })
  }
}

/** One model with all that decides how a request to it is translated, under `workers_ai`; a retired one names its successor. */
export function toModelDetails (listed: ListedModel): ModelObject {
  const { model } = listed
  return { ...toModelObject(listed), ...(model.task === 'text-generation' && { workers_ai: toRecordObject(model) }) }
}

function toRecordObject ({ family, vision }: Model): object {
  const { content, thinking, streams } = family
  return {
    family: family.name,
    content,
    developer_role: family.developerRole,
    message_name: family.messageName,
    image: vision && content === 'parts',
    ...(family.maxImages !== undefined && { max_images: family.maxImages }),
    parameters: Object.fromEntries(Object.entries(family.sampling).map(([name, range]) => [name, toRangeObject(range)])),
    other_parameters: family.extras,
    max_tokens_name: family.maxTokensName,
    native_stop: family.nativeStop,
    tools: family.tools,
    tool_choice: family.toolChoice,
    forced_choice: family.forcedChoice,
    tool_history: family.toolHistory,
    tool_call_ids: family.toolCallId,
    structured_output: {
      json_object: family.jsonObject ? 'native' : 'prompt',
      json_schema: family.jsonSchema === 'none' ? 'prompt' : family.jsonSchema
    },
    streams: { tools: streams.tools, json: streams.json, arguments: streams.arguments },
    thinking: {
      told: thinking.channel,
      switch: thinking.switch ?? null,
      efforts: thinking.efforts,
      is_default: thinking.isDefault,
      is_mandatory: thinking.isMandatory ?? false
    },
    output: family.output
  }
}

function toRangeObject ([minimum, maximum]: readonly [number, number]): object {
  return { minimum, maximum }
}

/** Every model that can be called here, by every name it has. */
export function toModelList (listed: readonly ListedModel[]): ModelListObject {
  return { object: 'list', data: listed.map(toModelObject) }
}
