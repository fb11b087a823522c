import t from 'tap'
import { startBuiltServer } from '../servers/built-server.ts'
import { pidsOf, ask, chat, PATIENCE_MS } from '../servers/cluster-server.ts'
import { waited } from '../servers/http-client.ts'
import { refusal, SECRETS, startAccounts, toEnvironment } from '../servers/two-accounts.ts'

t.test('two workers tell each other which account is out', async t => {
  const accounts = await startAccounts(t)
  const server = await startBuiltServer(t, { WORKERS: '2', ...toEnvironment(accounts.url) })
  await waited(() => [1, 2].every(worker => pidsOf(server, worker).length > 0), PATIENCE_MS)
  accounts.answer('main', refusal(4006, 429, 'you have used up your daily free allocation of 10,000 neurons'))
  t.equal((await ask(server, '/v1/chat/completions', chat('hi'))).status, 200)
  const isKnown = async () => JSON.parse((await ask(server, '/usage')).body).by_account.find(({ account }: { account: string }) => account === 'main').out_reason === 'cloudflare'
  const startedAt = Date.now()
  // Of each worker, which take turns.
  while (!(await isKnown() && await isKnown()) && Date.now() - startedAt < PATIENCE_MS);
  for (let count = 0; count < 10; count++) t.equal((await ask(server, '/v1/chat/completions', chat('hi'))).status, 200)
  t.strictSame(accounts.asked().filter(name => name === 'main'), ['main'], 'the refusal has reached one request of one of them')
  t.equal(accounts.asked().filter(name => name === 'backup').length, 11)
  await waited(() => server.lines().filter(({ msg }) => msg === 'request').length >= 11)
  for (const secret of SECRETS) t.notMatch(server.stdout(), secret)
})
