import t from 'tap'
import { soak } from './soak.ts'

// A request every 4.3 seconds, day and night: more than one person with an agent asks for.
t.test('a day of a sidecar leaves nothing behind', t => soak(t, { requests: 20_000, warmUp: 1_000, longThoughts: 8, isPatient: true }))
