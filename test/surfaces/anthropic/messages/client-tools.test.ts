import t from 'tap'
import { toClientTool } from '../../../../src/surfaces/anthropic/messages/client-tools.ts'

for (const [type, members] of [
  ['bash_20250124', ['command', 'restart']],
  ['text_editor_20250728', ['command', 'path', 'file_text', 'old_str', 'new_str', 'insert_line', 'insert_text', 'view_range']],
  ['text_editor_20250124', ['command']],
  ['memory_20250818', ['command', 'path', 'old_path', 'new_path']]
] as const) {
  const { parameters, description } = toClientTool(type) ?? {}
  t.equal(parameters?.['type'], 'object', type)
  for (const member of members) t.ok(Object.hasOwn(parameters?.['properties'] as object, member), member)
  t.type(description, 'string')
}
for (const type of ['computer_20250124', 'web_search_20250305', 'code_execution_20250825', 'bash', 'my_bash_20250124']) t.equal(toClientTool(type), undefined, type)
