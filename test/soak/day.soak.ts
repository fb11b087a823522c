import t from 'tap'
import { soak } from './soak.ts'

// A request every 1.7 seconds, day and night: more than a few people with agents ask for.
t.test('a day of a sidecar leaves nothing behind', t => soak(t, { requests: 50_000, warmUp: 1_000, beside: ['late_answer', 'late_answer', 'long_thought', 'long_thought', 'long_thought'], isPatient: true }))
