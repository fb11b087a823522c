import { useEffect, useState } from 'preact/hooks'
import { apiKey } from '../server/api-key.ts'
import { feedTicker, records } from '../server/event-feed.ts'
import { loadUsage, usage } from '../server/usage.ts'
import { Failure } from '../shell/failure.tsx'
import { useStore } from '../shell/store.ts'
import { useTicker } from '../shell/use-ticker.ts'
import { toDuration, toNeurons, toShortCount } from '../text/figures.ts'
import { BarChart } from './bar-chart.tsx'
import { Day } from './day.tsx'
import { LineChart } from './line-chart.tsx'
import { quantileOf, RANGES, toBuckets, type Range } from './series.ts'

/** How often the day's figures are asked for, and time goes on in the charts. */
const REFRESH_MS = 5_000

export function ChartsView () {
  useTicker(feedTicker)
  const [range, setRange] = useState<Range>(RANGES[0] as Range)
  const nowMs = useRefreshedNow()
  const { today, error } = useStore(usage)
  const buckets = toBuckets(records.records, range, nowMs)
  const starts = buckets.map(({ startMs }) => startMs)
  const streams = records.records.filter(({ stream, ended_at: endedAt }) => stream === true && endedAt >= (starts[0] ?? 0))
  const firstTokens = streams.flatMap(({ first_token_ms: ms }) => ms ?? [])
  const median = quantileOf(firstTokens.sort((one, other) => one - other), 0.5)
  return (
    <div data-testid='charts'>
      {error && error.kind !== 'key' && <Failure error={error} onRetry={() => { void loadUsage() }} />}
      {today && <Day today={today} nowMs={nowMs} />}
      <fieldset class='ranges'>
        <legend class='hidden'>Time shown</legend>
        {RANGES.map(one => (
          <label key={one.title} class='switch'>
            <input type='radio' name='range' checked={one === range} onChange={() => setRange(one)} />
            {one.title}
          </label>
        ))}
      </fieldset>
      <div class='charts'>
        <BarChart
          title='Requests' unit='requests' starts={starts} toText={toShortCount}
          parts={[
            { name: 'answered', look: 'first', values: buckets.map(({ succeeded }) => succeeded) },
            { name: 'failed', look: 'bad', values: buckets.map(({ failed }) => failed) }
          ]}
        />
        <BarChart
          title='Tokens' unit='tokens' starts={starts} toText={toShortCount}
          parts={[
            { name: 'in', look: 'first', values: buckets.map(({ inputTokens }) => inputTokens) },
            { name: 'out', look: 'second', values: buckets.map(({ outputTokens }) => outputTokens) }
          ]}
        />
        <BarChart title='Neurons' unit='neurons' starts={starts} toText={toNeurons} parts={[{ name: 'neurons', look: 'first', values: buckets.map(({ neurons }) => neurons) }]} />
        <LineChart
          title='First token' figure={median === undefined ? 'no streams yet' : `half of them within ${toDuration(median)}`} starts={starts} toText={toDuration}
          lines={[
            { name: 'half within', look: 'first', values: buckets.map(({ firstTokenMedianMs }) => firstTokenMedianMs) },
            { name: '95 of 100 within', look: 'second', values: buckets.map(({ firstTokenP95Ms }) => firstTokenP95Ms) }
          ]}
        />
      </div>
      <p class='faint'>The charts begin with what the server still knows when this page is opened. The figures of the day are the server's.</p>
    </div>
  )
}

/** The time, and with it the figures of the day, anew every few seconds. */
function useRefreshedNow (): number {
  const [nowMs, setNow] = useState(Date.now())
  const key = useStore(apiKey)
  useEffect(() => {
    const refresh = () => {
      setNow(Date.now())
      void loadUsage()
    }
    refresh()
    const timer = setInterval(refresh, REFRESH_MS)
    return () => clearInterval(timer)
  }, [key])
  // A record may have come since.
  return Math.max(nowMs, records.records[0]?.ended_at ?? 0)
}
