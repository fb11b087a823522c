import t from 'tap'
import { invalidAt } from '../../../../src/surfaces/anthropic/messages/invalid-at.ts'

t.match(invalidAt('messages.0.content.1', 'Field required'), { message: 'messages.0.content.1: Field required', status: 400, param: 'messages.0.content.1' })
