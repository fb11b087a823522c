import type { Model } from './model.ts'
import type { ModelList } from './model-list.ts'

/** What is known of the models that Cloudflare lists. */
export type ModelSource = Pick<ModelList, 'current' | 'known' | 'isLive' | 'failure' | 'ids' | 'find'>

/** The models of several accounts together. One that is slow, or may not list its models, holds nobody up. */
export class ModelLists implements ModelSource {
  readonly #lists: readonly ModelSource[]
  readonly #ids: Iterable<string> = { [Symbol.iterator]: () => this.#allIds() }

  /** @param lists one of each account; at least one */
  constructor (lists: readonly ModelSource[]) {
    this.#lists = lists
  }

  /** Waits for the first account that has listed its models, or until none will in time. */
  async current (): Promise<Model[]> {
    const currents = this.#lists.map(list => list.current())
    if (!this.isLive) await firstWhere(currents, () => this.isLive)
    return this.known()
  }

  known (): Model[] {
    const live = this.#lists.filter(list => list.isLive)
    const models = new Map<string, Model>()
    for (const list of live.length > 0 ? live : this.#lists) {
      for (const model of list.known()) if (!models.has(model.id)) models.set(model.id, model)
    }
    return [...models.values()]
  }

  get isLive (): boolean {
    return this.#lists.some(list => list.isLive)
  }

  /** Why no account lists its models; undefined while one does. */
  get failure (): unknown {
    const failures = this.#lists.map(list => list.failure)
    return failures.includes(undefined) ? undefined : failures[0]
  }

  ids (): Iterable<string> {
    return this.#ids
  }

  /** As an account that has listed its models knows it, else as the catalogue does. */
  find (id: string): Model | undefined {
    let found: Model | undefined
    for (const list of this.#lists) {
      const model = list.find(id)
      if (model !== undefined && list.isLive) return model
      found ??= model
    }
    return found
  }

  * #allIds (): Generator<string> {
    const told = new Set<string>()
    for (const list of this.#lists) {
      for (const id of list.ids()) {
        if (told.has(id)) continue
        told.add(id)
        yield id
      }
    }
  }
}

/** Resolves when one of the promises has resolved and the condition holds, or all have resolved. None of them may reject. */
function firstWhere (promises: ReadonlyArray<Promise<unknown>>, isEnough: () => boolean): Promise<void> {
  return new Promise(resolve => {
    void Promise.all(promises).then(() => resolve())
    for (const promise of promises) void promise.then(() => { if (isEnough()) resolve() })
  })
}
