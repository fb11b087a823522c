import { useEffect, useRef } from 'preact/hooks'
import type { RequestRecord } from '../server/request-record.ts'
import { toCount, toDuration, toNeurons } from '../text/figures.ts'
import { shown } from './record-row.tsx'

/** All that is known of a request. The browser keeps the focus inside, and closes it with Escape. */
export function Details ({ record, onClose }: { record: RequestRecord, onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => { dialog.current?.showModal() }, [])
  return (
    <dialog ref={dialog} class='details' data-testid='details' aria-labelledby='details-title' onClose={onClose} onClick={event => { if (event.target === dialog.current) dialog.current?.close() }}>
      <div class='row'>
        <h2 id='details-title' class='grow'>Request</h2>
        <button type='button' onClick={() => dialog.current?.close()}>Close</button>
      </div>
      <dl>
        {toFacts(record).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
      {record.changes !== undefined && record.changes.length > 0 && (
        <>
          <h3>Changes on the way</h3>
          <ul>{record.changes.map(change => <li key={change}>{change}</li>)}</ul>
        </>
      )}
      <p class='faint'>The server keeps no prompts and no answers, so none are shown here. The view "Translation" shows what a request becomes.</p>
    </dialog>
  )
}

function toFacts (record: RequestRecord): Array<[string, string]> {
  const { input_tokens: input, cached_input_tokens: cached, output_tokens: output, reasoning_tokens: reasoning } = record
  const facts: Array<[string, string | number | null | undefined]> = [
    ['Request id', record.id],
    ['Ended', new Date(record.ended_at).toLocaleString('en-GB')],
    ['Status', record.status],
    ['Error', record.error],
    ['Key', record.key],
    ['Route', [record.method, record.route].filter(Boolean).join(' ')],
    ['Operation', record.dry_run === true ? `${record.operation}, dry run` : record.operation],
    ['Model asked for', record.model],
    ['Model that answered', record.served],
    ['Account', record.account],
    ['Stream', record.stream === true ? 'yes' : record.stream === false ? 'no' : ''],
    ['Tokens in', input == null ? '' : toCount(input) + (cached ? `, ${toCount(cached)} of them cached` : '')],
    ['Tokens out', output == null ? '' : toCount(output) + (reasoning ? `, ${toCount(reasoning)} of them thinking` : '')],
    ['Neurons', shown(record.neurons, toNeurons)],
    ['First token', shown(record.first_token_ms, toDuration)],
    ['In all', shown(record.duration_ms, toDuration)],
    ['Attempts', record.attempts],
    ['Retries', record.retries]
  ]
  return facts.flatMap(([name, value]) => value == null || value === '' ? [] : [[name, String(value)]])
}
