import t from 'tap'
import { addNeurons, RequestRecord } from '../../src/inference/request-record.ts'

t.test('what Cloudflare bills is added up over all its answers', t => {
  const cases: Array<{ name: string, given: string[], expected: number | undefined }> = [
    { name: 'none that says', given: [], expected: undefined },
    { name: 'one', given: ['1.5'], expected: 1.5 },
    { name: 'several', given: ['1.5', '0', '2'], expected: 3.5 },
    { name: 'nothing is a bill, too', given: ['0'], expected: 0 },
    { name: 'what is no number does not count', given: ['free', '-1', '2'], expected: 2 }
  ]
  for (const { name, given, expected } of cases) {
    const record = new RequestRecord()
    addNeurons(record, {})
    for (const neurons of given) addNeurons(record, { 'cf-ai-neurons': neurons })
    t.equal(record.neurons, expected, name)
  }
  t.end()
})

t.test('a record has all its members from the beginning', t => {
  t.ok(['kind', 'key', 'account', 'model', 'servedModel', 'usage', 'neurons', 'error'].every(name => Object.hasOwn(new RequestRecord(), name)))
  t.end()
})
