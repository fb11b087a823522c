import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'

/** What a file that runs together with others has for tap's root: the test of this file. */
let root: typeof t
export { root as default }
export type { Test } from 'tap'

/** What the next file would find changed: [name, how it is now]. */
function processState (): Map<string, unknown> {
  const events = ['uncaughtException', 'unhandledRejection']
  return new Map<string, unknown>([
    ['the working directory', process.cwd()],
    ...Object.entries(process.env).map(([name, value]): [string, unknown] => [`process.env.${name}`, value]),
    ...Object.keys(globalThis).map((name): [string, unknown] => [`globalThis.${name}`, true]),
    ...events.map((name): [string, unknown] => [`the listeners of ${name}`, process.listenerCount(name)])
  ])
}

/** Runs files one after the other, each as a test that has its name. One that leaves the process changed fails. */
export async function runTogether (files: ReadonlyArray<[name: string, load: () => Promise<unknown>]>): Promise<void> {
  const limitMs = t.options.timeout ?? 0
  const running = `${process.argv[1]}.running`
  for (const [name, load] of files) {
    // tap ends this process when a file does not even let its time limit run out here; it cannot know which file that was.
    writeFileSync(running, name)
    t.setTimeout(limitMs + 5_000)
    const before = processState()
    await t.test(name, { timeout: limitMs }, async test => {
      root = test as typeof t
      await load()
    })
    const after = processState()
    const changed = [...new Set([...before.keys(), ...after.keys()])].filter(key => before.get(key) !== after.get(key))
    if (changed.length > 0) t.fail(`${name} leaves ${changed.join(', ')} changed: it has to clean up, or to run "In a process of its own"`)
  }
  rmSync(running)
}
