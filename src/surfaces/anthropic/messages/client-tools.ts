import type { FunctionDefinition } from '../../../generation/request.ts'

type Parameters = NonNullable<FunctionDefinition['parameters']>

const text = (description: string) => ({ type: 'string', description })
const PATH = text('Absolute path of the file or directory.')

const BASH: Parameters = {
  type: 'object',
  properties: {
    command: text('The bash command to run. Required unless the tool is being restarted.'),
    restart: { type: 'boolean', description: 'Restarts the tool. Left out otherwise.' }
  }
}

const EDITED = {
  path: PATH,
  file_text: text('Content of the file; required by create.'),
  old_str: text('Text to replace, which stands in the file once; required by str_replace.'),
  new_str: text('Text in its place; of str_replace.'),
  insert_line: { type: 'integer', description: 'Number of the line after which the text is inserted, 0 for the beginning; required by insert.' },
  insert_text: text('Text to insert; required by insert.'),
  view_range: { type: 'array', items: { type: 'integer' }, description: 'First and last line to view, from 1; -1 for the end of the file; of view.' }
}

const TEXT_EDITOR: Parameters = {
  type: 'object',
  properties: { command: { type: 'string', enum: ['view', 'create', 'str_replace', 'insert'], description: 'What to do.' }, ...EDITED },
  required: ['command', 'path']
}

const MEMORY: Parameters = {
  type: 'object',
  properties: {
    command: { type: 'string', enum: ['view', 'create', 'str_replace', 'insert', 'delete', 'rename'], description: 'What to do.' },
    ...EDITED,
    path: text('Path below /memories; required by all but rename.'),
    old_path: text('Path to rename; required by rename.'),
    new_path: text('Its new path; required by rename.')
  },
  required: ['command']
}

/** Tools that Anthropic defines and the caller runs, by the beginning of their type: requests name them without a schema. */
const CLIENT_TOOLS: ReadonlyArray<readonly [RegExp, Omit<FunctionDefinition, 'name'>]> = [
  [/^bash_\d{8}$/, { description: 'Runs commands in a bash shell that keeps its state from one call to the next.', parameters: BASH }],
  [/^text_editor_\d{8}$/, { description: 'Views, creates and edits text files.', parameters: TEXT_EDITOR }],
  [/^memory_\d{8}$/, { description: 'Keeps notes in files below /memories, from one conversation to the next. View /memories before anything else.', parameters: MEMORY }]
]

/** What such a tool is as a function; undefined for a type that is none of them. */
export function toClientTool (type: string): Omit<FunctionDefinition, 'name'> | undefined {
  return CLIENT_TOOLS.find(([pattern]) => pattern.test(type))?.[1]
}
