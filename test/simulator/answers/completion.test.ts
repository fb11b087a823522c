import t from 'tap'
import { toCompletion } from '../../../src/simulator/answers/completion.ts'

const call = { name: 'f', arguments: '{"a":"b"}' }
const cases = [
  {
    name: 'an answer within the limit stops by itself',
    given: { answer: { reasoning: 'Hm', text: 'one two', calls: [] }, limit: 4 },
    expected: { reasoning: ['Hm'], text: ['one', ' two'], calls: [], finish: 'stop', tokens: 3 }
  },
  {
    name: 'an answer beyond the limit is cut',
    given: { answer: { reasoning: '', text: 'one two three', calls: [] }, limit: 2 },
    expected: { reasoning: [], text: ['one', ' two'], calls: [], finish: 'length', tokens: 2 }
  },
  {
    name: 'an answer that fills the limit has not said its end',
    given: { answer: { reasoning: '', text: 'one two', calls: [] }, limit: 2 },
    expected: { reasoning: [], text: ['one', ' two'], calls: [], finish: 'length', tokens: 2 }
  },
  {
    name: 'thoughts can use the limit up',
    given: { answer: { reasoning: 'let me see', text: 'one', calls: [] }, limit: 2 },
    expected: { reasoning: ['let', ' me'], text: [], calls: [], finish: 'length', tokens: 2 }
  },
  {
    name: 'a call is billed with its name',
    given: { answer: { reasoning: '', text: '', calls: [call] }, limit: 100 },
    expected: { reasoning: [], text: [], calls: [{ name: 'f', arguments: ['{"', 'a', '":"', 'b', '"}'] }], finish: 'tool_calls', tokens: 6 }
  },
  {
    name: 'arguments are cut, and a call without room for its name is not made',
    given: { answer: { reasoning: '', text: '', calls: [call, call] }, limit: 3 },
    expected: { reasoning: [], text: [], calls: [{ name: 'f', arguments: ['{"', 'a'] }], finish: 'length', tokens: 3 }
  },
  {
    name: 'without a limit nothing is cut',
    given: { answer: { reasoning: '', text: 'one', calls: [] }, limit: undefined },
    expected: { reasoning: [], text: ['one'], calls: [], finish: 'stop', tokens: 1 }
  }
]
for (const { name, given, expected } of cases) t.strictSame(toCompletion(given.answer, given.limit), expected, name)
