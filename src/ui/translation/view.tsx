import { useEffect, useMemo, useState } from 'preact/hooks'
import { lastExchange } from '../playground/conversation.ts'
import { chatSettings } from '../playground/chat-settings.ts'
import { apiKey } from '../server/api-key.ts'
import { modelList } from '../server/model-list.ts'
import { ServerError } from '../server/server-error.ts'
import { CopyButton } from '../shell/copy-button.tsx'
import { Failure } from '../shell/failure.tsx'
import { Store, useStore } from '../shell/store.ts'
import { Changes } from './changes.tsx'
import { translate, type Translation } from './dry-run.ts'
import { Frames } from './frames.tsx'
import { SURFACES, toSurface } from './surfaces.ts'

interface Draft {
  surface: string
  body: string
  /** Whether it is the last request of the playground. */
  isExchange: boolean
}

/** Kept while another view is shown. */
const draft = new Store<Draft>({ surface: 'chat', body: '', isExchange: false })

/** How long a person stops typing before the server is asked. */
const PAUSE_MS = 350

lastExchange.subscribe(() => showExchange())

export function TranslationView () {
  const { surface: name, body, isExchange } = useStore(draft)
  const exchange = useStore(lastExchange)
  const surface = toSurface(name)
  const { translation, error } = useTranslation(surface.path, body)
  useFirstSample()
  return (
    <>
      <p class='lead'>What a client sends, what goes to Cloudflare, and why they differ. No model is called for it.</p>
      <div class='row bar'>
        <div>
          <label for='surface'>API</label>
          <select id='surface' data-testid='surface' value={name} onChange={event => showSample(event.currentTarget.value)}>
            {SURFACES.map(one => <option key={one.name} value={one.name}>{one.title}</option>)}
          </select>
        </div>
        <button type='button' onClick={() => showSample(name)}>Sample</button>
        {exchange && <button type='button' data-testid='last-request' disabled={isExchange} onClick={showExchange}>Last request of the playground</button>}
      </div>
      <div class='side-by-side'>
        <div class='side'>
          <h2><label for='openai-body'>The client sends</label></h2>
          <p class='faint'>POST /{surface.path}</p>
          <textarea
            id='openai-body' data-testid='openai-body' class='code' spellcheck={false} value={body}
            onInput={event => draft.set({ surface: name, body: event.currentTarget.value, isExchange: false })}
          />
        </div>
        <div class='side'>
          <h2>Cloudflare gets</h2>
          <p class='faint'>{translation ? `POST …${translation.url}` : ' '}</p>
          <div class='native' aria-live='polite'>
            {error && <Failure error={error} />}
            {!error && <pre data-testid='native-body' tabIndex={0} aria-label='Native body'><code>{translation?.body ?? ''}</code></pre>}
          </div>
          {translation && <CopyButton text={() => translation.body} label='Copy the native body' />}
        </div>
      </div>
      {translation && <Changes changes={translation.changes} />}
      {isExchange && exchange && <Frames answer={exchange.answer} />}
    </>
  )
}

/** Starts with a sample, as soon as the models are known. */
function useFirstSample (): void {
  const { models } = useStore(modelList)
  useEffect(() => {
    // By now, and not as it was drawn: an API may have been chosen in between.
    const { surface, body } = draft.value
    if (body === '' && models.length > 0) showSample(surface)
  }, [models])
}

function showSample (name: string): void {
  const { models } = modelList.value
  const embedding = models.find(({ task }) => task === 'text-embeddings')?.id ?? '@cf/baai/bge-m3'
  const model = chatSettings.value.model || '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
  draft.set({ surface: name, body: JSON.stringify(toSurface(name).sample(model, embedding), null, 2), isExchange: false })
}

function showExchange (): void {
  const exchange = lastExchange.value
  if (exchange) draft.set({ surface: 'chat', body: JSON.stringify(exchange.body, null, 2), isExchange: true })
}

interface Outcome {
  translation?: Translation
  error?: ServerError
}

function useTranslation (path: string, body: string): Outcome {
  const [outcome, setOutcome] = useState<Outcome>({})
  const key = useStore(apiKey)
  const problem = useMemo(() => toProblem(body), [body])
  useEffect(() => {
    if (body.trim() === '') return setOutcome({})
    if (problem) return setOutcome({ error: problem })
    const controller = new AbortController()
    const timer = setTimeout(() => {
      translate(path, body, controller.signal).then(
        translation => setOutcome({ translation }),
        (error: unknown) => { if (error instanceof ServerError) setOutcome({ error }) }
      )
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [path, body, key])
  return outcome
}

function toProblem (body: string): ServerError | undefined {
  try {
    JSON.parse(body)
    return undefined
  } catch (error) {
    return new ServerError(`This is no JSON yet. ${error instanceof Error ? error.message : ''}`, { kind: 'request' })
  }
}
