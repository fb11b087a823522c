import { join } from 'node:path'

/** pi by chat completions, with a provider of its `models.json`. */
export const agent = {
  package: '@mariozechner/pi-coding-agent@0.73.1',
  question: 'call tool read with {"path":"notes.txt"}',

  /** Its configuration, by path below the folder that holds its home. */
  files: ({ baseURL, model }) => ({
    'home/.pi/agent/models.json': JSON.stringify({ providers: { 'workers-ai': { baseUrl: baseURL, api: 'openai-completions', apiKey: 'unused', models: [{ id: model }] } } })
  }),

  command: ({ folder, model, question }) => ({
    file: process.execPath,
    args: [join(folder, 'node_modules/@mariozechner/pi-coding-agent/dist/cli.js'), '--offline', '--no-session', '--mode', 'json', '--provider', 'workers-ai', '--model', model, '--print', question],
    env: {},
    input: ''
  }),

  /** What one of its events says: what a tool did, what the agent answered, or neither. */
  toStep: ({ type, toolName, result, message }) => {
    if (type === 'tool_execution_end') return { tool: `${toolName} → ${textOf(result.content)}` }
    if (type === 'message_end' && message.role === 'assistant') return { answer: textOf(message.content) }
    return undefined
  }
}

function textOf (parts) {
  return parts.map(({ text }) => text ?? '').join('')
}
