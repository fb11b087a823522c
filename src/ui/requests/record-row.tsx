import { Component } from 'preact'
import { isFailure, type RequestRecord } from '../server/request-record.ts'
import { toClock, toCount, toDuration, toNeurons } from '../text/figures.ts'

interface RowProps {
  record: RequestRecord
  /** Whether there are several accounts to tell apart. */
  hasAccounts: boolean
  onOpen: (record: RequestRecord) => void
}

/** One request. A record never changes, so its row is drawn once. */
export class RecordRow extends Component<RowProps> {
  override shouldComponentUpdate ({ record, hasAccounts }: RowProps): boolean {
    return record !== this.props.record || hasAccounts !== this.props.hasAccounts
  }

  render ({ record, hasAccounts, onOpen }: RowProps) {
    const { ended_at: endedAt, status, model, served, key, route, stream, dry_run: dryRun } = record
    const isOther = served != null && served !== model
    return (
      <tr class={isFailure(record) ? 'failed' : ''} onClick={() => onOpen(record)}>
        <td><button type='button' class='link' aria-label={`Details of the request at ${toClock(endedAt)}`}>{toClock(endedAt)}</button></td>
        <td><span class='status'>{status}</span>{stream === true && <span class='faint medium'> stream</span>}{dryRun === true && <span class='faint medium'> dry run</span>}</td>
        <td class='model'>{model ?? '–'}{isOther && <span class='faint'> → {served}</span>}</td>
        <td class='wide'>{key ?? '–'}</td>
        <td class='wide'>{route ?? '–'}</td>
        {hasAccounts && <td class='wide'>{record.account ?? '–'}</td>}
        <td class='number'>{shown(record.input_tokens, toCount)}</td>
        <td class='number'>{shown(record.output_tokens, toCount)}</td>
        <td class='number medium'>{shown(record.neurons, toNeurons)}</td>
        <td class='number medium'>{shown(record.first_token_ms, toDuration)}</td>
        <td class='number medium'>{shown(record.duration_ms, toDuration)}</td>
        <td class='number wide'>{record.retries || ''}</td>
        <td class='number wide'>{record.changes?.length || ''}</td>
      </tr>
    )
  }
}

/** An unknown figure is a dash. */
export function shown (figure: number | null | undefined, toText: (figure: number) => string): string {
  return figure == null ? '–' : toText(figure)
}
