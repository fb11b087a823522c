import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import type { NativeMessage } from '../../../../src/workers-ai/request/native-message.ts'
import { toLatest } from '../../../../src/workers-ai/request/messages/truncation.ts'

/** s: system, u: user, c: a call of the assistant, a: its answer, t: what a tool gave back; ten tokens each. */
function conversation (roles: string): NativeMessage[] {
  const names: Record<string, NativeMessage['role']> = { s: 'system', u: 'user', c: 'assistant', a: 'assistant', t: 'tool' }
  return [...roles].map((role, index) => ({ role: names[role] ?? 'user', content: `${role}${index}` }))
}

function latest (roles: string, room: number): { left: string, changes: Change[] } {
  const changes: Change[] = []
  const left = toLatest(conversation(roles), room, () => 10, changes)
  return { left: left.map(({ content }) => String(content).slice(1)).join(' '), changes }
}

for (const { name, given, room, expected } of [
  { name: 'what fits stays', given: 'suaua', room: 50, expected: '0 1 2 3 4' },
  { name: 'the oldest turn goes first', given: 'suauau', room: 40, expected: '0 3 4 5' },
  { name: 'and the next when that is not enough', given: 'suauau', room: 39, expected: '0 5' },
  { name: 'a turn goes with all its calls', given: 'uctctaua', room: 60, expected: '6 7' },
  { name: 'the last question stays, even when it does not fit', given: 'suau', room: 5, expected: '0 3' },
  { name: 'in the last turn the oldest calls go with their results', given: 'suctctct', room: 60, expected: '0 1 4 5 6 7' },
  { name: 'but never the last of them', given: 'suctctct', room: 1, expected: '0 1 6 7' },
  { name: 'system messages stay wherever they are', given: 'suasua', room: 30, expected: '0 3 4 5' },
  { name: 'what came before the first question goes with it', given: 'auaua', room: 30, expected: '3 4' },
  { name: 'without a question the assistant\'s oldest turns go', given: 'ctcta', room: 30, expected: '2 3 4' }
]) t.equal(latest(given, room).left, expected, name)

t.match(latest('suauau', 40).changes, [{ param: 'messages', action: 'clamped', from: 6, to: 4 }], 'it is told')
t.strictSame(latest('suaua', 50).changes, [], 'nothing is told of what fits')
t.strictSame(latest('su', 1).changes, [], 'nor where nothing can be left out')
