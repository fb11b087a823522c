import t from 'tap'
import { soak } from '../soak/soak.ts'

// With nothing beside it: it measures memory, and how long requests hold up the event loop.

// `npm run test:soak` does this for longer.
t.test('some hours of a sidecar leave nothing behind', t => soak(t, { requests: 3_000, warmUp: 500, beside: ['late_answer'], isPatient: false }))
