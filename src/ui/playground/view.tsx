import { useEffect } from 'preact/hooks'
import { apiKey } from '../server/api-key.ts'
import { serverAddress } from '../server/call-server.ts'
import { isChatModel, loadModels, modelList, toDefaultModel } from '../server/model-list.ts'
import { CopyButton } from '../shell/copy-button.tsx'
import { Failure } from '../shell/failure.tsx'
import { useStore } from '../shell/store.ts'
import { chatSettings } from './chat-settings.ts'
import { toChatRequest } from './chat-request.ts'
import { Composer } from './composer.tsx'
import { conversation, startAnew, stop } from './conversation.ts'
import { toCurl, withoutImageBytes } from './curl.ts'
import { Parameters } from './parameters.tsx'
import { ShownTurn } from './shown-turn.tsx'
import type { Turn } from './turns.ts'

export function PlaygroundView () {
  const { turns, isRunning, problem } = useStore(conversation)
  useEscape(isRunning)
  return (
    <div class='columns'>
      <div class='conversation'>
        <div class='row'>
          <ModelPicker />
          <button type='button' disabled={turns.length === 0} onClick={startAnew}>New conversation</button>
        </div>
        <div class='turns' role='log' aria-live='polite' aria-label='Conversation'>
          {turns.length === 0 && <p class='empty'>Ask something. Enter sends, Shift+Enter begins a new line, Escape stops the answer.</p>}
          {turns.map((turn, index) => <ShownTurn key={index} turn={turn} isLast={index === turns.length - 1} />)}
        </div>
        {problem !== undefined && <p class='failure' role='alert'>{problem}</p>}
        <Composer />
        <Curl turns={turns} />
      </div>
      <Parameters />
    </div>
  )
}

/** Escape stops the answer, wherever the focus is. */
function useEscape (isRunning: boolean): void {
  useEffect(() => {
    if (!isRunning) return undefined
    const onKey = ({ key }: KeyboardEvent) => { if (key === 'Escape') stop() }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [isRunning])
}

function ModelPicker () {
  const { models, isLoading, error } = useStore(modelList)
  const { model } = useStore(chatSettings)
  const chat = models.filter(one => isChatModel(one) && one.retired !== true)
  useEffect(() => {
    const chosen = toDefaultModel(models)
    if (model === '' && chosen !== undefined) chatSettings.patch({ model: chosen })
  }, [models])
  return (
    <div class='grow'>
      <label for='model'>Model</label>
      <select id='model' data-testid='model' value={model} disabled={chat.length === 0} onChange={event => chatSettings.patch({ model: event.currentTarget.value })}>
        {chat.length === 0 && <option value=''>{isLoading ? 'Asking for the models' : 'No models'}</option>}
        {chat.map(({ id, requires_workers_paid: isPaid }) => <option key={id} value={id}>{id}{isPaid === true ? ' (paid plan)' : ''}</option>)}
      </select>
      {error && error.kind !== 'key' && <Failure error={error} onRetry={() => { void loadModels() }} />}
    </div>
  )
}

function Curl ({ turns }: { turns: readonly Turn[] }) {
  const settings = useStore(chatSettings)
  const key = useStore(apiKey)
  const command = () => {
    try {
      const asked = turns.at(-1)?.role === 'assistant' ? turns.slice(0, -1) : turns
      const body = toChatRequest(settings, asked.length > 0 ? asked : [{ role: 'user', text: 'Hello!', images: [] }])
      return toCurl(`${serverAddress()}v1/chat/completions`, body, key !== '')
    } catch (error) {
      return error instanceof Error ? error.message : ''
    }
  }
  return (
    <details class='curl'>
      <summary>The same by curl</summary>
      <pre tabIndex={0} data-testid='curl'><code>{withoutImageBytes(command())}</code></pre>
      <CopyButton text={command} label='Copy the command' />
    </details>
  )
}
