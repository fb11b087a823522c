import { toValueText, type TranslationChange } from './dry-run.ts'

/** What was not passed on as it came, each with its reason. */
export function Changes ({ changes }: { changes: readonly TranslationChange[] }) {
  return (
    <section aria-labelledby='changes-title'>
      <h2 id='changes-title'>{changes.length === 0 ? 'No changes' : changes.length === 1 ? '1 change' : `${changes.length} changes`}</h2>
      {changes.length === 0
        ? <p class='faint'>Everything in the request has a native form.</p>
        : (
          <ul class='change-list' data-testid='change-list'>
            {changes.map((change, index) => (
              <li key={index}>
                <span class={`action ${change.action}`}>{change.action.replace('_', ' ')}</span>
                <span><code>{change.param}</code> <Values change={change} /></span>
                <span class='reason'>{change.reason}</span>
              </li>
            ))}
          </ul>
          )}
    </section>
  )
}

function Values ({ change: { from, to } }: { change: TranslationChange }) {
  const [before, after] = [toValueText(from), toValueText(to)]
  if (before === '' && after === '') return null
  return <span class='faint'>{before}{after !== '' && <> → {after}</>}</span>
}
