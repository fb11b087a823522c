import { join } from 'node:path'

/** Codex CLI speaks the Responses API only. */
export const agent = {
  package: '@openai/codex@0.169.0',
  question: 'call tool exec_command with {"cmd":"cat notes.txt"}',

  /** Its configuration, by path below its home. */
  files: ({ baseURL, model }) => ({
    'home/config.toml': `
model = "${model}"
model_provider = "workers-ai"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.workers-ai]
name = "Workers AI"
base_url = "${baseURL}"
wire_api = "responses"
`
  }),

  command: ({ folder, home, question }) => ({
    file: process.execPath,
    args: [join(folder, 'node_modules/@openai/codex/bin/codex.js'), 'exec', '--skip-git-repo-check', '--sandbox', 'read-only', '--json', question],
    env: { CODEX_HOME: home },
    input: ''
  }),

  /** What one of its events says: what a tool did, what the agent answered, or neither. */
  toStep: ({ type, item }) => {
    if (type !== 'item.completed') return undefined
    switch (item.type) {
      case 'command_execution': return { tool: `${item.command} → exit code ${item.exit_code}: ${item.aggregated_output}` }
      case 'agent_message': return { answer: item.text }
      default: return { other: `${item.type}: ${item.text ?? item.message ?? ''}` }
    }
  }
}
