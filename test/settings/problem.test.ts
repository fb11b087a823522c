import t from 'tap'
import { SettingsError } from '../../src/settings/problem.ts'

t.equal(new SettingsError([{ name: 'PORT', complaint: 'is odd' }]).message, `workers-ai-proxy cannot start, one problem with its settings:
  PORT: is odd
All settings: workers-ai-proxy --help`, 'one problem is one line')

t.equal(new SettingsError([{ name: 'PORT', complaint: 'is odd' }, { name: 'HOST', complaint: 'is far' }]).message, `workers-ai-proxy cannot start, 2 problems with its settings:
  PORT: is odd
  HOST: is far
All settings: workers-ai-proxy --help`, 'every problem has a line of its own')
