import { Store } from '../shell/store.ts'
import { getJson } from './call-server.ts'
import { ServerError } from './server-error.ts'

/** One model, as `GET /v1/models` tells it. */
export interface ListedModel {
  id: string
  /** The model's own id, where this is another name for it. */
  root?: string
  owned_by?: string
  task?: string
  context_length?: number
  max_output_tokens?: number
  dimensions?: number
  capabilities?: { tools?: boolean, vision?: boolean, reasoning?: boolean, json?: boolean, lora?: boolean }
  /** US dollars per million tokens. */
  pricing?: { input?: number | null, output?: number | null, cached_input?: number | null }
  /** Neurons per million tokens. */
  neurons?: { input?: number | null, output?: number | null }
  beta?: boolean
  requires_workers_paid?: boolean
  /** ISO date. */
  shutdown_date?: string
  retired?: boolean
  successor?: string | null
}

export interface ModelsState {
  models: readonly ListedModel[]
  isLoading: boolean
  error?: ServerError | undefined
}

export const modelList = new Store<ModelsState>({ models: [], isLoading: false })

/** Asks the server for its models. A failure is in the store. */
export async function loadModels (): Promise<void> {
  modelList.patch({ isLoading: true, error: undefined })
  try {
    const { data } = await getJson<{ data: ListedModel[] }>('v1/models')
    modelList.set({ models: data, isLoading: false })
  } catch (error) {
    modelList.patch({ isLoading: false, error: error instanceof ServerError ? error : undefined })
  }
}

export function isChatModel ({ task }: Pick<ListedModel, 'task'>): boolean {
  return task === undefined || task === 'text-generation'
}

/** Where nobody has chosen yet: a small free model that chats, else the first one that does. */
export function toDefaultModel (models: readonly ListedModel[]): string | undefined {
  const chat = models.filter(model => isChatModel(model) && model.retired !== true)
  return (chat.find(({ id }) => id === '@cf/zai-org/glm-4.7-flash') ?? chat.find(model => model.requires_workers_paid !== true) ?? chat[0])?.id
}
