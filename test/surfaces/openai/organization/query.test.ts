import t from 'tap'
import { toCursor, toUsageQuery, type UsageEndpoint } from '../../../../src/surfaces/openai/organization/query.ts'

/** 2026-03-01, counted since 1970. */
const DAY = 20_513
const START = String(DAY * 86_400)
const NOW = (DAY + 2) * 86_400_000 + 3_600_000

const all = { groupBy: new Set(), models: undefined, keys: undefined, isEmpty: false }

t.test('a query is read', t => {
  const cases: Array<{ name: string, query: Record<string, unknown>, endpoint?: UsageEndpoint, expected: object }> = [
    { name: 'until now', query: { start_time: START }, expected: { ...all, firstDay: DAY, lastDay: DAY + 2, nextDay: undefined } },
    { name: 'until before the end', query: { start_time: START, end_time: String((DAY + 1) * 86_400) }, expected: { firstDay: DAY, lastDay: DAY } },
    { name: 'until the first second of a day', query: { start_time: START, end_time: String((DAY + 1) * 86_400 + 1) }, expected: { firstDay: DAY, lastDay: DAY + 1 } },
    { name: 'from within a day, which counts as a whole', query: { start_time: String(DAY * 86_400 + 5_000) }, expected: { firstDay: DAY } },
    { name: 'by pages of seven days', query: { start_time: String((DAY - 20) * 86_400) }, expected: { firstDay: DAY - 20, lastDay: DAY - 14, nextDay: DAY - 13 } },
    { name: 'by other pages', query: { start_time: START, limit: '2' }, expected: { firstDay: DAY, lastDay: DAY + 1, nextDay: DAY + 2 } },
    { name: 'from a later page', query: { start_time: START, limit: '2', page: toCursor(DAY + 2) }, expected: { firstDay: DAY + 2, lastDay: DAY + 2, nextDay: undefined } },
    { name: 'with more days of costs', query: { start_time: '0', limit: '180' }, endpoint: 'costs', expected: { firstDay: 0, lastDay: 179 } },
    { name: 'with a list of commas', query: { start_time: START, group_by: 'model,api_key_id' }, expected: { groupBy: new Set(['model', 'api_key_id']) } },
    { name: 'with a repeated name', query: { start_time: START, group_by: ['model', 'project_id'] }, expected: { groupBy: new Set(['model', 'project_id']) } },
    { name: 'with brackets', query: { start_time: START, 'group_by[]': ['model', 'batch'], 'models[0]': '@cf/a/b' }, expected: { groupBy: new Set(['model', 'batch']), models: new Set(['@cf/a/b']) } },
    { name: 'with keys', query: { start_time: START, api_key_ids: 'ann,bob' }, expected: { keys: new Set(['ann', 'bob']) } },
    { name: 'with a width', query: { start_time: START, bucket_width: '1d', 'api-version': 'preview' }, expected: { ...all } },
    { name: 'of projects, which do not exist here', query: { start_time: START, project_ids: 'proj_1' }, expected: { isEmpty: true } },
    { name: 'of batches, which do not exist here', query: { start_time: START, batch: 'true' }, expected: { isEmpty: true } },
    { name: 'of what is no batch', query: { start_time: START, batch: 'false' }, expected: { isEmpty: false } }
  ]
  for (const { name, query, endpoint = 'completions', expected } of cases) t.match(toUsageQuery(query, endpoint, NOW), expected, name)
  t.end()
})

t.test('a bad parameter is named', t => {
  const cases: Array<{ query: Record<string, unknown>, endpoint?: UsageEndpoint, param: string, message: RegExp }> = [
    { query: {}, param: 'start_time', message: /^Missing required parameter: 'start_time'/ },
    { query: { start_time: 'today' }, param: 'start_time', message: /Unix time in seconds, but got 'today'\.$/ },
    { query: { start_time: '-1' }, param: 'start_time', message: /Unix time/ },
    { query: { start_time: [START, START] }, param: 'start_time', message: /expected one value, but got 2/ },
    { query: { start_time: '1772323200000' }, param: 'start_time', message: /It looks like milliseconds/ },
    { query: { start_time: '9'.repeat(300) }, param: 'start_time', message: /Unix time/ },
    { query: { start_time: START, end_time: START }, param: 'end_time', message: /after 'start_time'/ },
    { query: { start_time: String(NOW) }, param: 'start_time', message: /milliseconds/ },
    { query: { start_time: START, bucket_width: '1h' }, param: 'bucket_width', message: /expected '1d', but got '1h'\. Usage is added up by UTC day/ },
    { query: { start_time: START, limit: '0' }, param: 'limit', message: /from 1 to 31/ },
    { query: { start_time: START, limit: '32' }, param: 'limit', message: /from 1 to 31/ },
    { query: { start_time: START, limit: '181' }, endpoint: 'costs', param: 'limit', message: /from 1 to 180/ },
    { query: { start_time: START, limit: '1.5' }, param: 'limit', message: /whole number/ },
    { query: { start_time: START, group_by: 'colour' }, param: 'group_by', message: /any of project_id, user_id, api_key_id, model.*but got 'colour'/ },
    { query: { start_time: START, group_by: 'model' }, endpoint: 'costs', param: 'group_by', message: /project_id, line_item, api_key_id/ },
    { query: { start_time: START, page: 'page_' }, param: 'page', message: /next_page/ },
    { query: { start_time: START, page: toCursor(DAY - 1) }, param: 'page', message: /next_page/ },
    { query: { start_time: START, page: toCursor(DAY + 3) }, param: 'page', message: /next_page/ },
    { query: { start_time: START, batch: 'yes' }, param: 'batch', message: /true or false/ },
    { query: { start_time: START, colour: 'red' }, param: 'colour', message: /^Unknown parameter: 'colour'/ },
    { query: { start_time: START, models: 'a' }, endpoint: 'costs', param: 'models', message: /^Unknown parameter: 'models'/ }
  ]
  for (const { query, endpoint = 'completions', param, message } of cases) {
    t.throws(() => toUsageQuery(query, endpoint, NOW), { status: 400, type: 'invalid_request_error', param, message }, `${param} of ${JSON.stringify(query).slice(0, 80)}`)
  }
  t.end()
})
