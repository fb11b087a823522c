import { join } from 'node:path'
import { agent as opencode } from './opencode.mjs'

/** Kilo's CLI, which is made from opencode; the package of its platform has the program. */
export const agent = {
  ...opencode,
  package: '@kilocode/cli-linux-x64@7.7.9',

  files: place => ({ 'work/kilo.json': opencode.files(place)['work/opencode.json'] }),

  command: ({ folder, model, question }) => ({
    file: join(folder, 'node_modules/@kilocode/cli-linux-x64/bin/kilo'),
    args: ['run', '--format', 'json', '--model', `workers-ai/${model}`],
    env: { KILO_DISABLE_MODELS_FETCH: '1', KILO_DISABLE_AUTOUPDATE: '1' },
    input: question
  })
}
