import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import { reportUnread } from '../../src/generation/unread-members.ts'

const changes: Change[] = []
reportUnread({ role: 'user', id: 7, empty: '', none: null, off: false, list: [], object: {}, cache_control: { type: 'ephemeral' } }, new Set(['role']), 'messages[3]', changes)
t.strictSame(changes.map(({ param, action, from }) => [param, action, from]), [
  ['messages[3].id', 'dropped', 7],
  ['messages[3].cache_control', 'dropped', { type: 'ephemeral' }]
], 'what is not read is told, unless it says nothing')

const begun = performance.now()
reportUnread({ list: Array.from({ length: 2_000_000 }) }, new Set(), 'messages[0]', changes)
t.ok(performance.now() - begun < 2_000, 'a long list is not gone through')
