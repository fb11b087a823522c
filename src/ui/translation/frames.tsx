import type { Answer } from '../playground/answer.ts'
import { useTicker } from '../shell/use-ticker.ts'

/** The most pairs that are drawn. */
const MAX_SHOWN = 200

/** What Cloudflare answered, beside the chunks that were made of it. */
export function Frames ({ answer }: { answer: Answer }) {
  useTicker(answer.ticker)
  const { frames } = answer
  const { hasNative } = frames
  const pairs = frames.all()
  if (pairs.length === 0) return null
  return (
    <section aria-labelledby='frames-title'>
      <h2 id='frames-title'>The answer</h2>
      <div class='table-frame'>
        <table class='frames' data-testid='frames'>
          <thead><tr>{hasNative && <th scope='col'>Cloudflare's frames</th>}<th scope='col'>Chunks for the client</th></tr></thead>
          <tbody>
            {pairs.slice(0, MAX_SHOWN).map(({ native, chunk }, index) => (
              <tr key={index}>
                {hasNative && <td>{native.map((frame, at) => <pre key={at}><code>{frame}</code></pre>)}</td>}
                <td><pre><code>{chunk}</code></pre></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(frames.isCut || pairs.length > MAX_SHOWN) && <p class='faint'>The first {Math.min(pairs.length, MAX_SHOWN)} are shown.</p>}
    </section>
  )
}
