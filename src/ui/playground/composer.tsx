import { useEffect, useRef, useState } from 'preact/hooks'
import { modelList } from '../server/model-list.ts'
import { useStore } from '../shell/store.ts'
import { chatSettings } from './chat-settings.ts'
import { ask, conversation, draft, stop } from './conversation.ts'
import { readImage, toImageProblem } from './images.ts'

/** Where a person writes, attaches images and sends. */
export function Composer () {
  const { isRunning } = useStore(conversation)
  const { model } = useStore(chatSettings)
  const { models } = useStore(modelList)
  const { text, images } = useStore(draft)
  const [problem, setProblem] = useState('')
  const prompt = useRef<HTMLTextAreaElement>(null)
  const hasVision = models.find(({ id }) => id === model)?.capabilities?.vision === true
  const canSend = !isRunning && model !== '' && (text.trim() !== '' || images.length > 0)
  useEffect(() => { prompt.current?.focus() }, [])

  const send = () => {
    if (!canSend) return
    void ask(text, images)
    // What could not be sent stays.
    if (conversation.value.isRunning) draft.set({ text: '', images: [] })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // An input method uses Enter to take what it proposes.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    send()
  }
  const attach = async (files: readonly File[]) => {
    const problems = files.map(toImageProblem)
    setProblem(problems.filter(one => one !== undefined).join(' '))
    const read = await Promise.allSettled(files.filter((_, index) => problems[index] === undefined).map(readImage))
    draft.patch({ images: [...draft.value.images, ...read.flatMap(one => one.status === 'fulfilled' ? one.value : [])] })
  }
  return (
    <form class='composer' aria-label='Message' onSubmit={event => { event.preventDefault(); send() }}>
      <label class='hidden' for='prompt'>Message</label>
      <textarea
        id='prompt' data-testid='prompt' ref={prompt} rows={3} placeholder='Message' value={text}
        onInput={event => draft.patch({ text: event.currentTarget.value })} onKeyDown={onKeyDown}
      />
      {images.length > 0 && (
        <ul class='attached'>
          {images.map((image, index) => (
            <li key={image.url.slice(-40) + index}>
              <img src={image.url} alt={image.name} />
              <button type='button' class='quiet' onClick={() => draft.patch({ images: images.filter(one => one !== image) })}>Remove<span class='hidden'> {image.name}</span></button>
            </li>
          ))}
        </ul>
      )}
      {problem !== '' && <p class='failure' role='alert'>{problem}</p>}
      <div class='row'>
        {hasVision && (
          <label class='button file'>
            Attach images
            <input
              type='file' data-testid='images' accept='image/png,image/jpeg,image/webp,image/gif' multiple
              onChange={event => { void attach([...event.currentTarget.files ?? []]); event.currentTarget.value = '' }}
            />
          </label>
        )}
        <span class='grow faint keys'>Enter sends</span>
        {isRunning
          // It becomes the button that sends before the browser is done with this click.
          ? <button type='button' data-testid='stop' onClick={event => { event.preventDefault(); stop() }}>Stop</button>
          : <button type='submit' class='primary' data-testid='send' disabled={!canSend}>Send</button>}
      </div>
    </form>
  )
}
