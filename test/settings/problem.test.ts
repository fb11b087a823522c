import t from 'tap'
import { SettingsError } from '../../src/settings/problem.ts'

t.equal(new SettingsError([{ name: 'PORT', message: 'is odd' }]).message, `workers-ai-proxy cannot start: 1 configuration error
  PORT: is odd`, 'one problem is one line')

t.equal(new SettingsError([{ name: 'PORT', message: 'is odd' }, { name: 'HOST', message: 'is far', hint: 'Go there.' }]).message, `workers-ai-proxy cannot start: 2 configuration errors
  PORT: is odd
  HOST: is far. Go there.`, 'every problem has a line of its own, with what to do about it')

t.notMatch(new SettingsError([{ name: 'PORT', message: 'is odd' }]).message, /--/, 'programs that embed it have no flags')
