import type { AccountUsage, Usage } from '../server/usage.ts'
import { toCount, toDuration, toNeurons } from '../text/figures.ts'

/** What was used today, against what is free. */
export function Day ({ today, nowMs }: { today: Usage, nowMs: number }) {
  const { totals, by_account: accounts, by_model: models, by_key: keys } = today
  const resetsIn = toDuration(Math.max(0, today.resets_at * 1_000 - nowMs))
  return (
    <>
      <dl class='tiles'>
        <Tile name='Requests today' value={toCount(totals.requests)} />
        <Tile name='Errors' value={toCount(totals.errors)} />
        <Tile name='Tokens in' value={toCount(totals.input_tokens)} />
        <Tile name='Tokens out' value={toCount(totals.output_tokens)} />
        <Tile name='Neurons' value={toNeurons(totals.neurons + totals.estimated_neurons)} />
      </dl>
      {accounts.filter(({ account }) => account !== 'none').map(account => <FreeNeurons key={account.account} account={account} resetsIn={resetsIn} />)}
      <div class='shares'>
        <Shares title='By model' rows={models.map(row => ({ name: row.model, ...row }))} />
        <Shares title='By key' rows={keys.map(row => ({ name: row.key, ...row }))} />
      </div>
    </>
  )
}

function Tile ({ name, value }: { name: string, value: string }) {
  return <div><dt>{name}</dt><dd>{value}</dd></div>
}

const REASONS: Record<string, string> = {
  cloudflare: ' Cloudflare says that they are used up.',
  credentials: ' Cloudflare refuses the credentials of this account.'
}

function FreeNeurons ({ account, resetsIn }: { account: AccountUsage, resetsIn: string }) {
  const { account: name, free_limit: limit, free_remaining: remaining, out_reason: reason } = account
  const used = remaining === null ? account.neurons + account.estimated_neurons : limit - remaining
  const share = limit > 0 ? Math.min(100, used / limit * 100) : 100
  return (
    <div class='free'>
      <p id={`free-${name}`}>
        Free neurons{name === 'default' ? '' : ` of ${name}`}: {toNeurons(used)} of {toCount(limit)} used{remaining === null ? ' by this key' : ''}.
        {reason === null ? '' : REASONS[reason] ?? ' They are used up.'} Reset in {resetsIn}.
      </p>
      <div class={`meter ${share >= 80 ? 'high' : ''}`} role='meter' aria-labelledby={`free-${name}`} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share)}>
        <div style={{ width: `${share}%` }} />
      </div>
    </div>
  )
}

interface Share {
  name: string
  requests: number
  neurons: number
  estimated_neurons: number
  input_tokens: number
  output_tokens: number
}

function Shares ({ title, rows }: { title: string, rows: readonly Share[] }) {
  if (rows.length === 0) return null
  return (
    <table>
      <caption>{title}, today</caption>
      <thead><tr><th scope='col'>Name</th><th scope='col' class='number'>Requests</th><th scope='col' class='number medium'>Tokens</th><th scope='col' class='number'>Neurons</th></tr></thead>
      <tbody>
        {rows.slice(0, 10).map(row => (
          <tr key={row.name}>
            <td class='model'>{row.name}</td>
            <td class='number'>{toCount(row.requests)}</td>
            <td class='number medium'>{toCount(row.input_tokens + row.output_tokens)}</td>
            <td class='number'>{toNeurons(row.neurons + row.estimated_neurons)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
