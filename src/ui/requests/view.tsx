import { useEffect, useState } from 'preact/hooks'
import { apiKey } from '../server/api-key.ts'
import { connect, feedError, feedState, feedTicker, missedCount, records } from '../server/event-feed.ts'
import { toIdentity, type RequestRecord } from '../server/request-record.ts'
import { Failure } from '../shell/failure.tsx'
import { useStore } from '../shell/store.ts'
import { useTicker } from '../shell/use-ticker.ts'
import { toCount } from '../text/figures.ts'
import { Details } from './details.tsx'
import { MAX_ROWS, toShownRecords, type RecordFilter } from './filter.ts'
import { RecordRow } from './record-row.tsx'

export function RequestsView () {
  useTicker(feedTicker)
  const state = useStore(feedState)
  const error = useStore(feedError)
  const [filter, setFilter] = useState<RecordFilter>({ text: '', onlyFailures: false, allKinds: false })
  const [paused, pause] = useState<readonly RequestRecord[] | undefined>()
  const [opened, handleOpen] = useState<RequestRecord | undefined>()
  const missed = useStore(missedCount)
  const key = useStore(apiKey)
  useEffect(() => pause(undefined), [key])
  const shown = toShownRecords(paused ?? records.records, filter)
  const hasAccounts = shown.some(({ account }) => account != null && account !== 'default')
  const news = paused === undefined ? 0 : records.records.length - paused.length
  return (
    <>
      <div class='row bar'>
        <div class='grow'>
          <label class='hidden' for='filter'>Filter</label>
          <input id='filter' data-testid='filter' type='search' placeholder='Filter by model, key, route, status' value={filter.text} onInput={event => setFilter({ ...filter, text: event.currentTarget.value })} />
        </div>
        <label class='switch'>
          <input type='checkbox' data-testid='only-failures' checked={filter.onlyFailures} onChange={event => setFilter({ ...filter, onlyFailures: event.currentTarget.checked })} />
          Failures only
        </label>
        <label class='switch'>
          <input type='checkbox' data-testid='all-kinds' checked={filter.allKinds} onChange={event => setFilter({ ...filter, allKinds: event.currentTarget.checked })} />
          Dry runs and lists
        </label>
        <button type='button' data-testid='pause' aria-pressed={paused !== undefined} onClick={() => pause(paused === undefined ? records.records : undefined)}>
          {paused === undefined ? 'Pause' : `Go on${news > 0 ? ` (${toCount(news)} new)` : ''}`}
        </button>
      </div>
      {state !== 'live' && error && error.kind !== 'key' && <Failure error={error} onRetry={connect} />}
      {missed > 0 && <p class='faint' role='status'>{toCount(missed)} requests are missing here: this page read too slowly.</p>}
      <div class='table-frame'>
        <table data-testid='requests'>
          <caption class='hidden'>Requests that ended, the newest first</caption>
          <thead>
            <tr>
              <th scope='col'>Time</th>
              <th scope='col'>Status</th>
              <th scope='col'>Model</th>
              <th scope='col' class='wide'>Key</th>
              <th scope='col' class='wide'>Route</th>
              {hasAccounts && <th scope='col' class='wide'>Account</th>}
              <th scope='col' class='number'>In</th>
              <th scope='col' class='number'>Out</th>
              <th scope='col' class='number medium'>Neurons</th>
              <th scope='col' class='number medium'>First token</th>
              <th scope='col' class='number medium'>In all</th>
              <th scope='col' class='number wide'>Retries</th>
              <th scope='col' class='number wide'>Changes</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(record => <RecordRow key={toIdentity(record)} record={record} hasAccounts={hasAccounts} onOpen={handleOpen} />)}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p class='empty'>{filter.text === '' && !filter.onlyFailures ? 'No request has ended yet. Send one in the playground.' : 'No request fits the filter.'}</p>}
      {shown.length === MAX_ROWS && <p class='faint'>The newest {MAX_ROWS} are shown.</p>}
      {opened && <Details record={opened} onClose={() => handleOpen(undefined)} />}
    </>
  )
}
