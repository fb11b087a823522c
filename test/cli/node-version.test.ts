import t from 'tap'
import { toVersionComplaint } from '../../src/cli/node-version.ts'

const cases = [
  { version: '18.19.0', isTooOld: true },
  { version: '20.9.0', isTooOld: true },
  { version: '20.18.0', isTooOld: true },
  { version: '20.18.1', isTooOld: false },
  { version: '20.20.2', isTooOld: false },
  { version: '22.0.0', isTooOld: false },
  { version: '100.0.0', isTooOld: false }
]
for (const { version, isTooOld } of cases) t.equal(toVersionComplaint(version, '>=20.18.1') !== undefined, isTooOld, version)

t.equal(toVersionComplaint('18.19.0', '>=20.18.1'), 'workers-ai-proxy needs Node 20.18.1 or newer, but this is Node 18.19.0. Download a newer version from https://nodejs.org.')
