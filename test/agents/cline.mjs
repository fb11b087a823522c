import { join } from 'node:path'

/** Cline's CLI by chat completions, through the AI SDK's openai-compatible provider; the package of its platform has the program. */
export const agent = {
  package: '@cline/cli-linux-x64@3.0.65',
  question: 'call tool read_files with {"files":[{"path":"notes.txt"}]}',

  /** Its configuration, by path below the folder that holds its home; as `cline auth` writes it. */
  files: ({ baseURL, model }) => ({
    'home/.cline/data/settings/providers.json': JSON.stringify({
      version: 1,
      lastUsedProvider: 'openai-compatible',
      modes: {},
      providers: {
        'openai-compatible': {
          settings: { provider: 'openai-compatible', apiKey: 'unused', model, baseUrl: baseURL },
          updatedAt: new Date().toISOString(),
          tokenSource: 'manual'
        }
      }
    })
  }),

  command: ({ folder, model, question }) => ({
    file: join(folder, 'node_modules/@cline/cli-linux-x64/bin/cline'),
    args: ['--json', '--provider', 'openai-compatible', '--model', model, question],
    env: {},
    input: ''
  }),

  /** What one of its events says: what a tool did, what it answered in the end, or neither. */
  toStep: ({ type, event, text }) => {
    if (type === 'run_result') return { answer: text }
    return event?.type === 'content_end' && event.contentType === 'tool' ? { tool: JSON.stringify(event) } : undefined
  }
}
