/** Tells its listeners that something changed, at most once for each frame of the screen. */
export class FrameTicker {
  #listeners = new Set<() => void>()
  #isDue = false
  #onFrame: (callback: () => void) => void

  /** @param onFrame calls back before the next frame */
  constructor (onFrame: (callback: () => void) => void = callback => { requestAnimationFrame(callback) }) {
    this.#onFrame = onFrame
  }

  tick (): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#onFrame(() => {
      this.#isDue = false
      this.tell()
    })
  }

  /** Tells them at once. A hidden tab has no frames. */
  tell (): void {
    for (const listener of [...this.#listeners]) listener()
  }

  /** @returns a function that ends it */
  subscribe (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }
}
