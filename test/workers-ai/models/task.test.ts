import t from 'tap'
import { TASKS, toTask } from '../../../src/workers-ai/models/task.ts'

t.test('a task is known by each of its names in the list', t => {
  for (const [task, { listedAs }] of Object.entries(TASKS)) for (const name of listedAs) t.equal(toTask(name), task)
  for (const name of ['Text Classification', 'text generation', '', undefined, null, 1]) t.equal(toTask(name), 'other')
  t.end()
})
