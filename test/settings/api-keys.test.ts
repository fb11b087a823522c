import t from 'tap'
import { toApiKey } from '../../src/settings/api-keys.ts'

t.strictSame(toApiKey('secret'), { key: 'secret' })
t.strictSame(toApiKey('app.1:secret'), { name: 'app.1', key: 'secret' })
t.strictSame(toApiKey('a:b:c'), { name: 'a', key: 'b:c' }, 'a key may have colons')
t.strictSame(toApiKey('not/a/name:secret'), { key: 'not/a/name:secret' })
t.strictSame(toApiKey(`${'x'.repeat(65)}:secret`), { key: `${'x'.repeat(65)}:secret` }, 'a name has at most 64 characters')
