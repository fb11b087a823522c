import t from 'tap'
import { isJson, toValue } from '../../src/simulator/json.ts'

t.strictSame(toValue('{"a":1}'), { a: 1 }, 'JSON is parsed')
t.equal(toValue('{"a":'), '{"a":', 'what is no JSON stays text')
t.strictSame(['null', '{"a":'].map(isJson), [true, false], 'JSON is told from other text')
