import t from 'tap'
import { ClientDisconnectedError } from '../../src/generation/client-disconnected.ts'
import { noteFailure } from '../../src/inference/call.ts'
import { quietCall } from './quiet-call.ts'

const error = new Error('broken')
const call = quietCall()
t.equal(noteFailure(error, call), true, 'somebody is to be told')
t.equal(call.record.error, error)
const left = quietCall()
t.equal(noteFailure(new ClientDisconnectedError(), left), false, 'nobody is left')
t.equal(left.record.error, undefined, 'and nothing has failed')
