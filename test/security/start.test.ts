import t from 'tap'
import { parseCommandLine } from '../../src/cli/command-line.ts'
import { SettingsError } from '../../src/settings/problem.ts'
import { readSettings } from '../../src/settings/reader.ts'

function complaintAbout (env: Record<string, string>, argv: string[] = []): string {
  try {
    readSettings({ commandLine: parseCommandLine(argv), env: { UPSTREAM: 'simulator', ...env }, readFile: () => { throw new Error('no such file') } })
    return ''
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.message
  }
}

const PUBLIC = ['0.0.0.0', '::', '0', '0.0', '192.168.1.5', '10.0.0.1', '203.0.113.7', '::ffff:0.0.0.0', '::ffff:192.168.1.5', 'fe80::1', 'fd00::1', '2001:db8::1', 'example.com', 'my-machine', 'localhost.example.com', '127.0.0.1.nip.io', '128.0.0.1', '126.255.255.255', '127.1', '2130706433', '::2']
const LOOPBACK = ['127.0.0.1', '127.8.8.8', 'localhost', 'LOCALHOST', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1']

t.test('an address that others can reach serves nobody without keys', t => {
  for (const host of PUBLIC) {
    t.match(complaintAbout({ HOST: host }), /HOST: other machines can reach .* there are no keys; set API_KEYS/, host)
    t.match(complaintAbout({}, ['--host', host]), /HOST: other machines can reach .* no keys/, `${host}, by a flag`)
    t.equal(complaintAbout({ HOST: host, API_KEYS: 'sk-key' }), '', `${host} with a key`)
    t.equal(complaintAbout({ HOST: host, ALLOW_UNAUTHENTICATED: 'true' }), '', `${host}, when somebody insists`)
  }
  for (const host of LOOPBACK) t.equal(complaintAbout({ HOST: host }), '', host)
  t.end()
})

t.test('pages of every site get nothing without keys', t => {
  for (const origins of ['*', 'https://*', 'https://app.example, http://*', 'https://*.com']) {
    for (const host of LOOPBACK.slice(0, 3)) t.match(complaintAbout({ CORS_ORIGINS: origins, HOST: host }), /CORS_ORIGINS: .* admits the pages of every web site, and there are no keys; set API_KEYS/, `${origins} at ${host}`)
    t.equal(complaintAbout({ CORS_ORIGINS: origins, API_KEYS: 'sk-key' }), '', `${origins} with a key`)
    t.equal(complaintAbout({ CORS_ORIGINS: origins, AUTH_MODE: 'passthrough' }), '', `${origins} with callers' tokens`)
    t.equal(complaintAbout({ CORS_ORIGINS: origins, ALLOW_UNAUTHENTICATED: 'true' }), '', `${origins}, when somebody insists`)
  }
  for (const origins of ['https://app.example', 'https://*.app.example', 'http://localhost:*', 'app://*', 'app://obsidian.md*']) t.equal(complaintAbout({ CORS_ORIGINS: origins }), '', origins)
  t.end()
})

t.test('no host and no keys are not taken for any', t => {
  for (const host of ['', '*', '0.0.0.0:80', 'http://0.0.0.0', '[::]', '127.0.0.1/8', '127.0.0.1,0.0.0.0', '%', '\u0000']) t.match(complaintAbout({ HOST: host }), 'HOST', JSON.stringify(host))
  for (const keys of ['', ' ', ',', ' , ,', '\n']) t.match(complaintAbout({ HOST: '0.0.0.0', API_KEYS: keys }), /HOST|API_KEYS/, JSON.stringify(keys))
  t.match(complaintAbout({ HOST: '0.0.0.0', API_KEYS_FILE: '/run/secrets/none' }), /API_KEYS: cannot read the file that API_KEYS_FILE names/)
  t.match(complaintAbout({ HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED: 'perhaps' }), 'ALLOW_UNAUTHENTICATED')
  t.end()
})

t.test('callers\' own tokens are keys enough, and stand beside no others', t => {
  t.equal(complaintAbout({ HOST: '0.0.0.0', AUTH_MODE: 'passthrough' }), '')
  t.match(complaintAbout({ HOST: '0.0.0.0', AUTH_MODE: 'passthrough', API_KEYS: 'sk-key' }), /API_KEYS: cannot be combined with AUTH_MODE=passthrough/)
  t.match(complaintAbout({ HOST: '0.0.0.0', AUTH_MODE: 'none' }), 'AUTH_MODE')
  t.end()
})

t.test('no complaint repeats a secret', t => {
  const secret = 'secret 0815'
  for (const name of ['API_KEYS', 'CLOUDFLARE_API_TOKEN', 'CLOUDFLARE_AI_GATEWAY_TOKEN', 'CLOUDFLARE_ACCOUNT_ID']) {
    const complaint = complaintAbout({ UPSTREAM: 'cloudflare', [name]: secret })
    t.match(complaint, name)
    t.notMatch(complaint, secret)
  }
  t.end()
})
