import { join } from 'node:path'

/** Qwen Code by chat completions; its instructions and tools alone are longer than the window of the classic model. */
export const agent = {
  package: '@qwen-code/qwen-code@0.15.10',
  question: 'call tool run_shell_command with {"command":"cat notes.txt","is_background":false}',

  models: ['@cf/mistralai/mistral-small-3.1-24b-instruct', '@cf/zai-org/glm-4.7-flash'],

  /** Its configuration, by path below the folder that holds its home. */
  files: () => ({
    'home/.qwen/settings.json': JSON.stringify({ privacy: { usageStatisticsEnabled: false }, general: { enableAutoUpdate: false } })
  }),

  command: ({ baseURL, folder, model, question }) => ({
    file: process.execPath,
    args: [join(folder, 'node_modules/@qwen-code/qwen-code/cli.js'), '--auth-type', 'openai', '--openai-base-url', baseURL, '--openai-api-key', 'unused', '--model', model, '--yolo', '--output-format', 'stream-json', question],
    env: {},
    input: ''
  }),

  /** What one of its events says: what a tool did, what the agent answered, or neither. */
  toStep: ({ type, message }) => {
    if (type !== 'assistant' && type !== 'user') return undefined
    return message.content.flatMap(part => {
      switch (part.type) {
        case 'tool_result': return { tool: typeof part.content === 'string' ? part.content : JSON.stringify(part.content) }
        case 'text': return type === 'assistant' ? { answer: part.text } : []
        default: return []
      }
    })
  }
}
