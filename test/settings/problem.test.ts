import t from 'tap'
import { SettingsError } from '../../src/settings/problem.ts'

const footer = 'Start it with --help to see all settings, with doctor to have account and token tried, with --demo to need neither.'

t.equal(new SettingsError([{ name: 'PORT', complaint: 'is odd' }]).message, `workers-ai-proxy cannot start, one problem with its settings:
  PORT: is odd
${footer}`, 'one problem is one line')

t.equal(new SettingsError([{ name: 'PORT', complaint: 'is odd' }, { name: 'HOST', complaint: 'is far', next: 'Go there.' }]).message, `workers-ai-proxy cannot start, 2 problems with its settings:
  PORT: is odd
  HOST: is far. Go there.
${footer}`, 'every problem has a line of its own, with what to do about it')
