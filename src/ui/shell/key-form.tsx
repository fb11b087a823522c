import { useState } from 'preact/hooks'
import { apiKey, keepKey, keyIsWanted, keyProblem } from '../server/api-key.ts'
import { useStore } from './store.ts'

/** Asks for a key where the server wants one. */
export function KeyForm () {
  const isWanted = useStore(keyIsWanted)
  const key = useStore(apiKey)
  const problem = useStore(keyProblem)
  const [typed, type] = useState('')
  if (!isWanted) return null
  // Without a key it says little more than the label, but for which kind of key is meant.
  const isTold = problem !== '' && (key !== '' || problem.includes('Cloudflare'))
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
      {isTold && <p class='failure' role='alert'>{problem}</p>}
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
