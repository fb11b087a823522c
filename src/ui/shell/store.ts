import { useEffect, useState } from 'preact/hooks'

/** One value that several parts of the page show. */
export class Store<Value> {
  #value: Value
  #listeners = new Set<() => void>()

  constructor (value: Value) {
    this.#value = value
  }

  get value (): Value {
    return this.#value
  }

  set (value: Value): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    this.tell()
  }

  /** Tells the listeners, also of a value that is the same. */
  tell (): void {
    for (const listener of [...this.#listeners]) listener()
  }

  /** Replaces some members of an object. */
  patch (members: Partial<Value>): void {
    this.set({ ...this.#value, ...members })
  }

  /** @returns a function that ends it */
  subscribe (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }
}

/** The value of a store; the component is drawn anew when it changes. */
export function useStore<Value> (store: Store<Value>): Value {
  const [, redraw] = useState({})
  const { value } = store
  useEffect(() => {
    // It may have changed between the first drawing and now.
    if (!Object.is(value, store.value)) redraw({})
    return store.subscribe(() => redraw({}))
  }, [store])
  return value
}
