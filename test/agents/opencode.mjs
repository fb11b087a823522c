import { join } from 'node:path'

/** opencode in chat mode: the AI SDK's openai-compatible provider, which it carries along. */
export const agent = {
  package: 'opencode-ai@1.18.33',
  // its own way of quoting arguments would come before the words the simulator reads, so it is asked on standard input
  question: 'call tool read with {"filePath":"notes.txt"}',

  /** Its configuration, by path below the folder it works in. */
  files: ({ baseURL, model }) => ({
    'work/opencode.json': JSON.stringify({
      provider: {
        'workers-ai': {
          npm: '@ai-sdk/openai-compatible',
          options: { baseURL },
          models: { [model]: { tool_call: true } }
        }
      }
    })
  }),

  command: ({ folder, model, question }) => ({
    // the package's own start file is made by an install script, which does not run
    file: join(folder, `node_modules/opencode-${process.platform}-${process.arch}/bin/opencode`),
    args: ['run', '--format', 'json', '--model', `workers-ai/${model}`],
    env: { OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_AUTOUPDATE: '1' },
    input: question
  }),

  /** What one of its events says: what a tool did, what the agent answered, or neither. */
  toStep: ({ type, part }) => {
    switch (type) {
      case 'tool_use': return { tool: `${part.tool} ${JSON.stringify(part.state.input)} → ${part.state.status}: ${part.state.output ?? part.state.error}` }
      case 'text': return { answer: part.text }
      default: return undefined
    }
  }
}
