import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import type { Batch } from '../../src/generation/event.ts'
import { toOfferedName, ToolNames } from '../../src/stages/tool-names.ts'
import { FINISH, told } from '../streams/events.ts'

t.test('the tool that is meant', t => {
  const cases: Array<{ given: string, offered: string[], expected: string | undefined }> = [
    { given: 'get_weather<|channel|>analysis', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'get_weather<|channel|>commentary<|constrain|>json', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'assistant<|channel|>commentary to=functions.get_weather <|constrain|>json', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'functions.get_weather', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'functions.get_weather:0', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'get_weather:12', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'default_api:get_weather', offered: ['get_weather'], expected: 'get_weather' },
    { given: ' get_weather\n', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'get_weather()', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'get_weather<｜tool▁sep｜>', offered: ['get_weather'], expected: 'get_weather' },
    { given: 'get_weather', offered: ['mcp_city_get_weather', 'mcp_city_get_time'], expected: 'mcp_city_get_weather' },
    { given: 'functions.get_weather', offered: ['mcp__city__get_weather'], expected: 'mcp__city__get_weather' },
    { given: 'get_weather', offered: ['mcp_oslo_get_weather', 'mcp_rome_get_weather'], expected: undefined },
    { given: 'weather', offered: ['getweather'], expected: undefined },
    { given: 'my_get_weather', offered: ['get_weather'], expected: undefined },
    { given: 'get_weather_now', offered: ['get_weather'], expected: undefined },
    { given: 'constructor', offered: ['get_weather'], expected: undefined },
    { given: '<|constrain|>json', offered: ['get_weather'], expected: undefined },
    { given: 'functions.', offered: ['get_weather'], expected: undefined },
    { given: '', offered: ['get_weather'], expected: undefined }
  ]
  for (const { given, offered, expected } of cases) t.equal(toOfferedName(given, offered), expected, `${JSON.stringify(given)} of ${offered.join(', ')}`)
  t.end()
})

t.test('only names that were not offered are another, and each is told', t => {
  const changes: Change[] = []
  const stage = new ToolNames(new Map([['f', {}], ['f<|x|>', {}]]), changes)
  const called = (index: number, name: string): Batch[number] => ({ type: 'tool_call', index, id: `call_${index}`, name, arguments: '' })
  const more: Batch[number] = { type: 'tool_call', index: 0, arguments: '{}' }
  const given: Batch = [called(0, 'f<|channel|>final'), more, called(1, 'f<|x|>'), called(2, 'g'), FINISH]
  t.strictSame(told(stage, given), [called(0, 'f'), more, called(1, 'f<|x|>'), called(2, 'g'), FINISH])
  t.strictSame(changes, [{ param: 'tool_calls', action: 'repaired', reason: 'the model called a tool by a name that differs from the offered one' }])
  t.end()
})
