import { agent as codex } from './codex.mjs'

/** Codex with the provider it comes with, at our base URL: it tries a WebSocket first, and has the server compact. */
export const agent = {
  ...codex,
  folder: 'codex',

  files: ({ baseURL, model }) => ({
    'home/config.toml': `
model = "${model}"
openai_base_url = "${baseURL}"
check_for_update_on_startup = false

[analytics]
enabled = false
`,
    'home/auth.json': JSON.stringify({ OPENAI_API_KEY: 'unused' })
  }),

  /** Goes on with the same conversation, which is longer than it may be by now. */
  followUp: place => {
    const { args: [program, exec, ...flags], ...command } = codex.command({ ...place, question: 'say goodbye heron' })
    const [question] = flags.splice(-1)
    return { ...command, args: [program, exec, ...flags.filter(flag => flag !== '--sandbox' && flag !== 'read-only'), '-c', 'model_auto_compact_token_limit=500', 'resume', '--last', question] }
  },
  farewell: 'goodbye heron',

  /** What the proxy must say that it did: a summary in place of an answer, and that summary told to the model. */
  changes: [/tools dropped.*input\[\d+\] emulated/, /tools\[\d+\] emulated.*input\[\d+\] emulated/]
}
