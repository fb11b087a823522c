import { useState } from 'preact/hooks'
import { apiKey, keepKey, keyIsWanted } from '../server/api-key.ts'
import { useStore } from './store.ts'

/** Asks for a key where the server wants one. */
export function KeyForm () {
  const isWanted = useStore(keyIsWanted)
  const key = useStore(apiKey)
  const [typed, type] = useState('')
  if (!isWanted) return null
  const use = (event: Event) => {
    event.preventDefault()
    if (typed.trim() === '') return
    keepKey(typed.trim())
    type('')
  }
  return (
    <form class='key-form' aria-label='Key' onSubmit={use}>
      <label for='api-key'>
        {key === '' ? 'This server wants a key.' : 'Another key for this server.'} It stays in this tab, and is sent to this server only.
      </label>
      <div class='row'>
        <input
          id='api-key' data-testid='api-key' type='password' autocomplete='off' spellcheck={false} placeholder='Key'
          value={typed} onInput={event => type(event.currentTarget.value)}
        />
        <button type='submit' class='primary'>Use it</button>
        {key !== '' && <button type='button' onClick={() => keepKey('')}>Forget the key</button>}
      </div>
    </form>
  )
}
