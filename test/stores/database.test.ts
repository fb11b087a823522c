import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../src/stores/database.ts'

const path = join(t.testdir(), 'new.db')
const database = openDatabase(path)
t.teardown(() => database.close())
t.equal(statSync(path).mode & 0o777, 0o600, 'a new file is for its owner only')
t.match(database.prepare('PRAGMA journal_mode').get(), { journal_mode: 'wal' }, 'readers do not wait for a writer')
t.throws(() => openDatabase(t.testdirName), 'a folder is no database')
