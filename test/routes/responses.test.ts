import { tmpdir } from 'node:os'
import t from 'tap'
