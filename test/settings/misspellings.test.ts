import t from 'tap'
import { parseCommandLine } from '../../src/cli/command-line.ts'
import { misspelledInDotEnv, misspelledInEnvironment, toNotice } from '../../src/settings/misspellings.ts'
import { surveySettings } from '../../src/settings/reader.ts'
import { SETTINGS } from '../../src/settings/schema.ts'

const meantBy = (name: string) => misspelledInDotEnv([name])[0]?.meant

t.equal(meantBy('PROT'), 'PORT', 'two letters that changed places')
t.equal(meantBy('MAX_RETRYS'), undefined, 'two edits of a short name')
t.equal(meantBy('MAX_CHOICE'), 'MAX_CHOICES', 'a letter that is missing')
t.equal(meantBy('CLOUDFLAR_ACOUNT_ID'), 'CLOUDFLARE_ACCOUNT_ID', 'two of a long name')
t.equal(meantBy('cloudflare_api_token'), 'CLOUDFLARE_API_TOKEN', 'lower case')
t.equal(meantBy('CF_API_TOKENS'), 'CLOUDFLARE_API_TOKEN', 'an alias')
t.equal(meantBy('CLOUDFLARE_API_TOKEN_FIEL'), 'CLOUDFLARE_API_TOKEN', 'the file of a secret')
t.strictSame(misspelledInDotEnv(['DATABASE_URL', 'NODE_ENV', 'REDIS_HOST', 'CLOUDFLARE_EMAIL', 'CONFIG_FILE', ...SETTINGS.flatMap(({ name, aliases }) => [name, ...aliases])]), [], 'other names')

const strangers = ['API_KEY', 'HOSTS', 'POST', 'HOSTNAME', 'LOGNAME', 'PATH', 'SHELL', 'TERM_PROGRAM', 'npm_config_loglevel', 'LOG_FILE', 'OPENAI_API_KEY', 'OPENAI_BASE_URL', 'CF_PAGES_URL', 'CLOUDFLARE_ZONE_ID', 'KUBERNETES_PORT', 'SSH_AUTH_SOCK', 'XDG_DATA_DIRS']
t.strictSame(misspelledInEnvironment(strangers), [], 'variables of other programs are none')
t.strictSame(misspelledInEnvironment(['CLOUDFLARE_API_TOKN']), [{ name: 'CLOUDFLARE_API_TOKN', where: 'the environment', meant: 'CLOUDFLARE_API_TOKEN' }])
t.equal(toNotice({ name: 'PROT', where: '.env', meant: 'PORT' }), 'PROT in .env is not a setting. Did you mean PORT?')

t.test('a misspelled setting is reported, and never its value', t => {
  const survey = (env: Record<string, string>, dotEnv = '') => surveySettings({ commandLine: parseCommandLine([]), env, dotEnv, readFile: () => '' })
  const id = 'f'.repeat(32)
  const { problems, misspelled } = survey({ CLOUDFLARE_API_TOKN: 'secret' }, `CLOUDFLARE_ACCOUNT_ID=${id}\nPROT=1`)
  t.match(problems, [{ name: 'CLOUDFLARE_API_TOKEN', hint: 'CLOUDFLARE_API_TOKN in the environment is not a setting. Did you mean CLOUDFLARE_API_TOKEN?' }])
  t.strictSame(misspelled.map(({ name }) => name), ['PROT', 'CLOUDFLARE_API_TOKN'])
  t.notMatch(JSON.stringify([problems, misspelled]), 'secret')
  t.strictSame(survey({ CLOUDFLARE_ACCOUNT_ID: id, CLOUDFLARE_API_TOKEN: 't', CLOUDFLARE_API_TOKENS: 'other' }).misspelled, [], 'no notice where the setting has a value')
  t.end()
})
