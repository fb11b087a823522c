import { Store } from '../shell/store.ts'

const NAME = 'api-key'

/** The key this tab sends; empty without one. It stays in the tab's session storage, so that a reload keeps it. */
export const apiKey = new Store<string>(readKey())

/** Whether the server refused the last request for want of a key, or because the key was wrong. */
export const keyIsWanted = new Store(false)

/** Why the server refused the last request for its key, in the server's words; empty where it did not. */
export const keyProblem = new Store('')

/** A key that is typed in once more is tried once more. */
export function keepKey (key: string): void {
  try {
    if (key === '') sessionStorage.removeItem(NAME)
    else sessionStorage.setItem(NAME, key)
  } catch {}
  keyIsWanted.set(false)
  keyProblem.set('')
  if (key === apiKey.value) apiKey.tell()
  else apiKey.set(key)
}

/** A browser may forbid storage, and Node has none. */
function readKey (): string {
  try {
    return sessionStorage.getItem(NAME) ?? ''
  } catch {
    return ''
  }
}
