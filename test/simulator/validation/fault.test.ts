import t from 'tap'
import { findRangeFault, findTypeFault, isObject, mismatch, notInEnum, required, tooShort, toType } from '../../../src/simulator/validation/fault.ts'

t.strictSame([null, [], 1, 1.5, '', true, {}, undefined].map(toType), ['null', 'array', 'integer', 'number', 'string', 'boolean', 'object', 'undefined'], 'types have the names of JSON Schema')
t.strictSame([{}, [], null].map(isObject), [true, false, false], 'only objects have members')

t.strictSame(findTypeFault({}, 'raw', ['boolean']), [], 'an absent member is fine')
t.strictSame(findTypeFault({ top_p: 1 }, 'top_p', ['number']), [], 'a whole number is a number')
t.strictSame(findTypeFault({ seed: 1.5 }, 'seed', ['integer']), ["Type mismatch of '/seed', 'number' not in 'integer'"])
t.strictSame(findTypeFault({ top_p: 'x' }, 'top_p', ['number', 'null']), ["Type mismatch of '/top_p', 'string' not in 'number'"], 'null is allowed and not named')

t.strictSame([0, 1, 5].flatMap(value => findRangeFault({ top_k: value }, 'top_k', [0, 5])), [], 'both ends of a range are allowed')
t.strictSame(findRangeFault({ top_k: 6 }, 'top_k', [0, 5]), ["'/top_k' must be <= 5"])
t.strictSame(findRangeFault({ top_k: -1 }, 'top_k', [0, 5]), ["'/top_k' must be >= 0"])

t.equal(mismatch('', [], ['object']), "Type mismatch of '/', 'array' not in 'object'")
t.equal(required('/messages/0', 'role', 'content'), "required properties at '/messages/0' are 'role,content'")
t.equal(notInEnum('/type', 'x', ['a', 'b']), "enum x not in a,b at '/type'")
t.equal(tooShort('/prompt'), "Length of '/prompt' must be >= 1 not met")
