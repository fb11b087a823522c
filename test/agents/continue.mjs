import { join } from 'node:path'

/** Continue's `cn` by chat completions; it prints what it answers, and not what its tools did. */
export const agent = {
  package: '@continuedev/cli@1.5.47',
  question: 'call tool Read with {"filepath":"notes.txt"}',
  showsTools: false,

  /** Its configuration, by path below the folder that holds its home. */
  files: ({ baseURL, model }) => ({
    'home/config.yaml': `
name: Workers AI
version: 0.0.1
schema: v1
models:
  - name: a model
    provider: openai
    model: '${model}'
    apiBase: ${baseURL}
    apiKey: unused
    roles: [chat]
    capabilities: [tool_use]
`
  }),

  command: ({ folder, home, question }) => ({
    file: process.execPath,
    args: [join(folder, 'node_modules/@continuedev/cli/dist/cn.js'), '--config', join(home, 'config.yaml'), '--auto', '--print', '--format', 'json', question],
    env: { CONTINUE_TELEMETRY_ENABLED: '0' },
    input: ''
  }),

  /** Its only event is its answer. */
  toStep: ({ response }) => response === undefined ? undefined : { answer: response }
}
