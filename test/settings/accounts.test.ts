import t from 'tap'
import { findAccountsFault, readAccounts } from '../../src/settings/accounts.ts'

const ID = '0123456789abcdef0123456789abcdef'
const OTHER_ID = 'fedcba9876543210fedcba9876543210'
const TOKEN = 'secret-token-4711'
const main = { name: 'main', account_id: ID, api_token: TOKEN }
const backup = { name: 'backup', account_id: OTHER_ID, api_token: TOKEN }

t.strictSame(readAccounts(JSON.stringify([main, { ...backup, plan: 'paid', weight: '2.5', gateway: { id: 'gw', token: 'gw-token' } }])), [
  { name: 'main', accountId: ID, apiToken: TOKEN, plan: 'free', weight: 1 },
  { name: 'backup', accountId: OTHER_ID, apiToken: TOKEN, plan: 'paid', weight: 2.5, gateway: { id: 'gw', token: 'gw-token' } }
], 'numbers of a config file are text')
for (const text of ['', '{}', 'null', '1', '["a"]', '[[]]', '[null]', '[{']) t.equal(readAccounts(text), undefined, text)

const faults: Array<{ accounts: object[], isCloudflare?: boolean, fault: RegExp | undefined }> = [
  { accounts: [main], fault: undefined },
  { accounts: [main, { ...backup, plan: 'free', weight: 0.5, gateway: { id: 'gw' } }], fault: undefined },
  { accounts: [], fault: /^has no account/ },
  { accounts: Array.from({ length: 51 }, () => main), fault: /^has 51 accounts; expected at most 50$/ },
  { accounts: [main, { ...backup, name: 'main' }], fault: /^has an account "main" twice; expected a name of its own for each$/ },
  { accounts: [main, { ...backup, account_id: ID.toUpperCase() }], fault: /^has one account_id twice, in "main" and "backup"/ },
  ...[undefined, '', 'a b', 7, 'other', 'none', 'x'.repeat(65)].map(name => ({ accounts: [{ ...main, name }], fault: /^has as account 1 one without a usable name/ })),
  { accounts: [{ ...main, acount_id: 1 }], fault: /^has an account "main" with the unknown member "acount_id"; did you mean account_id\?$/ },
  { accounts: [{ ...main, region: 1 }], fault: /with the unknown member "region"; expected name, account_id, api_token, plan, weight, gateway$/ },
  { accounts: [{ ...main, [TOKEN]: 1 }], fault: /with the unknown member \(hidden\)/ },
  { accounts: [{ ...main, account_id: undefined }], fault: /without an account_id$/ },
  { accounts: [{ ...main, account_id: TOKEN }], fault: /whose account_id has 17 characters \(hidden\); expected the 32 hexadecimal digits/ },
  { accounts: [{ ...main, account_id: TOKEN }], isCloudflare: false, fault: undefined },
  { accounts: [{ ...main, account_id: '../x' }], isCloudflare: false, fault: /with a wrong account_id \(hidden\)/ },
  { accounts: [{ ...main, api_token: '' }], fault: /without an api_token$/ },
  { accounts: [{ ...main, api_token: `Bearer ${TOKEN}` }], fault: /with a wrong api_token \(hidden\)/ },
  { accounts: [{ ...main, plan: 'enterprise' }], fault: /with a wrong plan; expected free or paid$/ },
  ...[0, -1, 1_001, 'many', null, true, []].map(weight => ({ accounts: [{ ...main, weight }], fault: /with a wrong weight; expected a number above 0 and up to 1000$/ })),
  { accounts: [{ ...main, gateway: 'gw' }], fault: /with a wrong gateway; expected an object/ },
  { accounts: [{ ...main, gateway: { id: 'a b' } }], fault: /whose gateway has a wrong id \(hidden\)/ },
  { accounts: [{ ...main, gateway: { id: 'gw', token: 'a b' } }], fault: /whose gateway has a wrong token \(hidden\)/ },
  { accounts: [{ ...main, gateway: { id: 'gw', tokens: 'x' } }], fault: /whose gateway is one with the unknown member "tokens"; did you mean token\?/ }
]
for (const { accounts, isCloudflare = true, fault } of faults) {
  const found = findAccountsFault(JSON.stringify(accounts), { isCloudflare })
  if (fault === undefined) t.equal(found, undefined)
  else t.match(found, fault, JSON.stringify(accounts).slice(0, 200))
  t.notMatch(found ?? '', TOKEN, 'no token is quoted')
  t.notMatch(found ?? '', ID, 'nor an id')
}
