import { join } from 'node:path'

/** goose by chat completions; the package of its platform has the program. It tells the whole conversation at its end. */
export const agent = {
  package: '@aaif/goose-binary-linux-x64@0.20.1',
  question: 'call tool shell with {"command":"cat notes.txt"}',

  files: () => ({}),

  command: ({ baseURL, folder, model, question }) => ({
    file: join(folder, 'node_modules/@aaif/goose-binary-linux-x64/bin/goose'),
    args: ['run', '--no-session', '--with-builtin', 'developer', '--output-format', 'json', '--text', question],
    env: { GOOSE_PROVIDER: 'openai', GOOSE_MODEL: model, GOOSE_MODE: 'auto', GOOSE_DISABLE_KEYRING: '1', OPENAI_HOST: baseURL.replace('/v1', ''), OPENAI_API_KEY: 'unused' }
  }),

  toSteps: output => JSON.parse(output.slice(output.indexOf('{\n'))).messages.flatMap(({ role, content }) => content.flatMap(({ type, text, toolResult }) => {
    if (type === 'toolResponse') return { tool: `${toolResult.status}: ${JSON.stringify(toolResult.value)}` }
    return role === 'assistant' && type === 'text' ? { answer: text } : []
  }))
}
