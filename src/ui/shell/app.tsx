import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentType } from 'preact'
import { ChartsView } from '../charts/view.tsx'
import { ModelsView } from '../models/view.tsx'
import { PlaygroundView } from '../playground/view.tsx'
import { RequestsView } from '../requests/view.tsx'
import { apiKey, keyIsWanted } from '../server/api-key.ts'
import { feedState } from '../server/event-feed.ts'
import { loadModels } from '../server/model-list.ts'
import { SetupView } from '../setup/view.tsx'
import { TranslationView } from '../translation/view.tsx'
import { KeyForm } from './key-form.tsx'
import { toViewName, VIEWS, type ViewName } from './routes.ts'
import { useStore } from './store.ts'
import { nextTheme, theme } from './theme.ts'

const COMPONENTS: Record<ViewName, ComponentType> = {
  playground: PlaygroundView,
  requests: RequestsView,
  translation: TranslationView,
  charts: ChartsView,
  models: ModelsView,
  setup: SetupView
}

export function App () {
  const view = useView()
  const heading = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${titleOf(view)} · workers-ai-proxy`
    // Who changes the view by keyboard goes on reading at its beginning.
    if (!isFirst.current) heading.current?.focus()
    isFirst.current = false
  }, [view])
  useEffect(() => {
    void loadModels()
    return apiKey.subscribe(() => { void loadModels() })
  }, [])
  const View = COMPONENTS[view]
  return (
    <>
      <a class='skip' href='#main' onClick={event => skipTo(event, heading.current)}>Skip to the content</a>
      <header>
        <a class='brand' href='#/playground'><Logo /> workers-ai-proxy</a>
        <nav aria-label='Views'>
          {VIEWS.map(({ name, title }) => <a key={name} href={`#/${name}`} aria-current={name === view ? 'page' : undefined}>{title}</a>)}
        </nav>
        <Tools />
      </header>
      <main id='main'>
        <KeyForm />
        <h1 ref={heading} tabIndex={-1}>{titleOf(view)}</h1>
        <section class={`view ${view}`} data-testid={`view-${view}`} aria-label={titleOf(view)}><View /></section>
      </main>
    </>
  )
}

function useView (): ViewName {
  const [view, setView] = useState(toViewName(location.hash))
  useEffect(() => {
    const follow = () => setView(toViewName(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return view
}

function titleOf (view: ViewName): string {
  return VIEWS.find(({ name }) => name === view)?.title ?? ''
}

/** A link to `#main` would be taken for the name of a view. */
function skipTo (event: Event, target: HTMLElement | null): void {
  event.preventDefault()
  target?.focus()
}

const FEED_WORDS = { connecting: 'Connecting', live: 'Live', refused: 'Not connected', away: 'Reconnecting' }

function Tools () {
  const current = useStore(theme)
  const feed = useStore(feedState)
  const key = useStore(apiKey)
  return (
    <div class='tools'>
      <span class={`feed ${feed}`} role='status'><span class='word'>{FEED_WORDS[feed]}</span></span>
      {(key !== '' || feed === 'refused') && <button type='button' class='quiet' onClick={() => keyIsWanted.set(!keyIsWanted.value)}>Key</button>}
      <button type='button' class='quiet' data-testid='theme' title='Colours: as the system has them, light or dark' onClick={() => theme.set(nextTheme(current))}>
        {{ auto: 'Auto', light: 'Light', dark: 'Dark' }[current]}
        <span class='hidden'> colours</span>
      </button>
    </div>
  )
}

function Logo () {
  return (
    <svg viewBox='0 0 32 32' width='24' height='24' aria-hidden='true'>
      <rect width='32' height='32' rx='8' class='logo' />
      <path d='M8 12h11m0 0-4-4m4 4-4 4M24 20H13m0 0 4-4m-4 4 4 4' fill='none' stroke='#fff' stroke-width='2.5' stroke-linecap='round' stroke-linejoin='round' />
    </svg>
  )
}
