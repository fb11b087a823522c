import t from 'tap'
import { toStorePathError } from '../../src/stores/store-path.ts'

t.match(toStorePathError(new Error('no such folder')), { name: 'SettingsError', message: /STORE_PATH: cannot open it \(no such folder\); expected a SQLite file, or a place/ })
t.match(toStorePathError('odd').message, 'cannot open it (odd)')
