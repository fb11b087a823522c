import t from 'tap'
import { parseCommandLine, toConfigTable, toHelp } from '../../src/cli/command-line.ts'
import { SETTINGS } from '../../src/settings/schema.ts'

const nothing = { command: 'serve', help: false, version: false, printConfig: false, demo: false, noRun: false, json: false, model: undefined, date: undefined, config: undefined, flags: {}, problems: [] }

const cases = [
  { name: 'no arguments mean to serve', given: [], expected: {} },
  { name: 'a value may follow its flag', given: ['--port', '80'], expected: { flags: { PORT: '80' } } },
  { name: 'a value may be joined to its flag', given: ['--port=80'], expected: { flags: { PORT: '80' } } },
  { name: 'the last of a repeated flag wins', given: ['--port=80', '--port=81'], expected: { flags: { PORT: '81' } } },
  { name: 'a value may begin with a dash', given: ['--max-retries', '-1'], expected: { flags: { MAX_RETRIES: '-1' } } },
  { name: 'a flag that is true or false means true alone', given: ['--allow-unauthenticated'], expected: { flags: { ALLOW_UNAUTHENTICATED: 'true' } } },
  { name: 'a flag that is true or false may say so', given: ['--allow-unauthenticated=off'], expected: { flags: { ALLOW_UNAUTHENTICATED: 'off' } } },
  { name: 'a secret is accepted as a flag', given: ['--api-keys', 'a,b'], expected: { flags: { API_KEYS: 'a,b' } } },
  { name: 'the demo means the simulator', given: ['--demo'], expected: { demo: true, flags: { UPSTREAM: 'simulator' } } },
  { name: 'the config file is a path', given: ['--config', 'a.yaml'], expected: { config: 'a.yaml' } },
  { name: 'the long switches are known', given: ['--help', '--version', '--print-config'], expected: { help: true, version: true, printConfig: true } },
  { name: 'the short switches are known', given: ['-h', '-v'], expected: { help: true, version: true } },
  { name: 'the health check is a command and takes flags', given: ['healthcheck', '--port', '80'], expected: { command: 'healthcheck', flags: { PORT: '80' } } },
  {
    name: 'the doctor is a command with flags of its own',
    given: ['doctor', '--model', '@cf/a/b', '--no-run', '--json', '--port=80'],
    expected: { command: 'doctor', model: '@cf/a/b', noRun: true, json: true, flags: { PORT: '80' } }
  },
  {
    name: 'which no other command takes',
    given: ['--model=x', '--no-run', '--json'],
    expected: {
      model: 'x',
      noRun: true,
      json: true,
      problems: [
        { name: '--model', message: 'option --model belongs to the command doctor' },
        { name: '--no-run', message: 'option --no-run belongs to the command doctor' },
        { name: '--json', message: 'option --json belongs to the commands doctor and usage' }
      ]
    }
  },
  {
    name: 'usage is a command with flags of its own',
    given: ['usage', '--date', '2026-03-01', '--json', '--port=80'],
    expected: { command: 'usage', date: '2026-03-01', json: true, flags: { PORT: '80' } }
  },
  {
    name: 'a day belongs to usage alone',
    given: ['doctor', '--date=2026-03-01'],
    expected: { command: 'doctor', date: '2026-03-01', problems: [{ name: '--date', message: 'option --date belongs to the command usage' }] }
  },
  {
    name: 'a model flag without its name is a problem, and swallows no flag',
    given: ['doctor', '--model', '--json'],
    expected: { command: 'doctor', json: true, problems: [{ name: '--model', message: 'option --model needs a value: the name of a model' }] }
  },
  {
    name: 'a flag without its value does not swallow the next flag',
    given: ['--port', '--host', 'h'],
    expected: { flags: { HOST: 'h' }, problems: [{ name: '--port', message: 'option --port needs a value: a whole number from 0 to 65535' }] }
  },
  {
    name: 'a config flag without its path is a problem',
    given: ['--config'],
    expected: { problems: [{ name: '--config', message: 'option --config needs a value: the path of a YAML or JSON file' }] }
  },
  {
    name: 'an empty value is none',
    given: ['--host='],
    expected: { problems: [{ name: '--host', message: 'option --host needs a value: a host name or an IP address, without scheme, port or brackets' }] }
  },
  {
    name: 'every unknown flag and command is a problem',
    given: ['--prot=1', '-x', '--constructor', '--', 'serve'],
    expected: {
      problems: [
        { name: '--prot', message: 'unknown option --prot', hint: 'Did you mean --port?', meant: 'PORT' },
        { name: '-x', message: 'unknown option -x' },
        { name: '--constructor', message: 'unknown option --constructor' },
        { name: '"serve"', message: 'unknown command "serve"', hint: 'The commands are doctor, healthcheck and usage; without a command the proxy serves.' }
      ]
    }
  },
  {
    name: 'the value of an unknown flag is no second mistake',
    given: ['--prot', '80', 'doctor', '-p', '81', '--acount-id', 'x'],
    expected: {
      command: 'doctor',
      problems: [
        { name: '--prot', message: 'unknown option --prot', hint: 'Did you mean --port?', meant: 'PORT' },
        { name: '-p', message: 'unknown option -p', hint: 'Did you mean --port?', meant: 'PORT' },
        { name: '--acount-id', message: 'unknown option --acount-id' }
      ]
    }
  },
  {
    name: 'a command behind an unknown flag is a command',
    given: ['--verbose', 'doctor'],
    expected: { command: 'doctor', problems: [{ name: '--verbose', message: 'unknown option --verbose' }] }
  },
  {
    name: 'letters behind one dash are one mistake',
    given: ['-port', '80'],
    expected: { problems: [{ name: '-port', message: 'unknown option -port', hint: 'Did you mean --port?', meant: 'PORT' }] }
  },
  {
    name: 'the name of a setting is near its flag',
    given: ['--API_KEYS=a'],
    expected: { problems: [{ name: '--API_KEYS', message: 'unknown option --API_KEYS', hint: 'Did you mean --api-keys?', meant: 'API_KEYS' }] }
  },
  {
    name: 'a mistyped demo needs no account',
    given: ['--dmeo'],
    expected: { problems: [{ name: '--dmeo', message: 'unknown option --dmeo', hint: 'Did you mean --demo?', meant: 'UPSTREAM' }] }
  },
  {
    name: 'a flag without its dashes is near, too',
    given: ['demo'],
    expected: { problems: [{ name: '"demo"', message: 'unknown command "demo"', hint: 'Did you mean --demo?', meant: 'UPSTREAM' }] }
  },
  {
    name: 'a mistyped command is one mistake',
    given: ['doctro'],
    expected: { problems: [{ name: '"doctro"', message: 'unknown command "doctro"', hint: 'Did you mean doctor?', meant: 'UPSTREAM' }] }
  },
  {
    name: 'a switch takes no value',
    given: ['--demo=yes'],
    expected: { problems: [{ name: '--demo', message: 'option --demo takes no value' }] }
  },
  {
    name: 'the demo contradicts another upstream',
    given: ['--demo', '--upstream=cloudflare'],
    expected: {
      demo: true,
      flags: { UPSTREAM: 'simulator' },
      problems: [{ name: '--demo', message: 'option --demo means --upstream simulator, and conflicts with --upstream cloudflare' }]
    }
  }
]
for (const { name, given, expected } of cases) {
  t.same(parseCommandLine(given), { ...nothing, ...expected }, name)
}

t.test('every setting is a flag named after it', async t => {
  for (const { name, flag, kind } of SETTINGS) {
    t.equal(flag, name.toLowerCase().replaceAll('_', '-'))
    const value = kind === 'boolean' ? 'true' : 'x'
    t.same(parseCommandLine([`--${flag}=${value}`]), { ...nothing, flags: { [name]: value } }, `--${flag}`)
  }
})

t.test('--help shows every setting with its flag, name, default and doc', async t => {
  const help = toHelp()
  for (const { name, flag, doc, default: byDefault } of SETTINGS) {
    const [entry = ''] = help.slice(help.indexOf(`  --${flag} `)).split(/\n(?= {2}-|\n)/)
    t.match(entry, name, `${name} is named beside --${flag}`)
    t.ok(entry.includes(doc), `${name} has its doc`)
    t.equal(entry.includes(`(default: ${byDefault})`), byDefault !== undefined, `${name} has its default`)
  }
})

t.same(toHelp().split('\n').filter(line => line.length > 100), [], '--help fits 100 columns')

t.equal(toConfigTable([
  { name: 'PORT', value: '8686', secret: false, origin: 'default' },
  { name: 'API_KEYS', value: 'k1,k2', secret: true, origin: 'the environment' },
  { name: 'DEFAULT_MODEL', value: undefined, secret: false, origin: 'not set' }
], ['NODE_OPTIONS']), `PORT           8686  default
API_KEYS       ****  the environment
DEFAULT_MODEL  -     not set
NODE_OPTIONS   -     ignored in .env
`, 'the config table is aligned, masks secrets and says where each value came from')
