import { useState } from 'preact/hooks'
import type { ShownToolCall } from './answer.ts'
import { sendToolResults } from './conversation.ts'

/** What the model wants called. A person can say what each call gave. */
export function ToolCalls ({ calls, canReply }: { calls: readonly ShownToolCall[], canReply: boolean }) {
  const [results, setResults] = useState<readonly string[]>([])
  const send = (event: Event) => {
    event.preventDefault()
    void sendToolResults(calls.map(({ id }, index) => ({ id, content: results[index] ?? '' })))
  }
  return (
    <form class='tool-calls' data-testid='tool-calls' aria-label='Tool calls' onSubmit={send}>
      {calls.map(({ id, name, arguments: args }, index) => (
        <div key={id || index} class='tool-call'>
          <p><span class='faint'>Calls</span> <code>{name}</code></p>
          <pre tabIndex={0}><code>{toReadable(args)}</code></pre>
          {canReply && (
            <>
              <label for={`result-${index}`}>What it gave</label>
              <input id={`result-${index}`} value={results[index] ?? ''} onInput={event => setResults(calls.map((_, at) => at === index ? event.currentTarget.value : results[at] ?? ''))} />
            </>
          )}
        </div>
      ))}
      {canReply && <button type='submit'>Send the results</button>}
    </form>
  )
}

/** Arguments are text that a model wrote: it may be no JSON. */
function toReadable (args: string): string {
  try {
    return JSON.stringify(JSON.parse(args), null, 2)
  } catch {
    return args
  }
}
