import { Store } from './store.ts'

export type Theme = 'auto' | 'light' | 'dark'

const NAME = 'theme'
const THEMES: readonly Theme[] = ['auto', 'light', 'dark']

/** What the person chose in this tab; `auto` follows the system. */
export const theme = new Store<Theme>(THEMES.find(one => one === readTheme()) ?? 'auto')

/** Makes the page follow the store. */
export function applyTheme (): void {
  const apply = () => {
    if (theme.value === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme.value
  }
  theme.subscribe(() => {
    apply()
    try {
      sessionStorage.setItem(NAME, theme.value)
    } catch {}
  })
  apply()
}

export function nextTheme (current: Theme): Theme {
  return THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] ?? 'auto'
}

/** A browser may forbid storage. */
function readTheme (): string | null {
  try {
    return sessionStorage.getItem(NAME)
  } catch {
    return null
  }
}
