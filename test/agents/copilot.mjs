import { join } from 'node:path'

/** GitHub Copilot CLI with a provider of one's own, which needs no login; it prints what it answers. */
export const agent = {
  package: '@github/copilot@1.0.102',
  question: 'call tool bash with {"command":"cat notes.txt","description":"Reads the notes"}',
  showsTools: false,
  models: ['@cf/mistralai/mistral-small-3.1-24b-instruct', '@cf/zai-org/glm-4.7-flash'],

  files: () => ({}),

  command: ({ baseURL, folder, model, question }) => ({
    file: join(folder, 'node_modules/.bin/copilot'),
    args: ['--prompt', question, '--allow-all-tools', '--silent', '--no-color'],
    env: { COPILOT_OFFLINE: 'true', COPILOT_PROVIDER_BASE_URL: baseURL, COPILOT_PROVIDER_API_KEY: 'unused', COPILOT_MODEL: model, COPILOT_AUTO_UPDATE: 'false' },
    input: ''
  }),

  toStep: () => undefined,

  /** It prints text, not events. */
  toSteps: output => [{ answer: output }]
}
