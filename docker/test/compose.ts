import { fileURLToPath } from 'node:url'
import { IMAGE, run, type Outcome } from './docker.ts'

/** The folder of the compose files. */
export const folder = fileURLToPath(new URL('../', import.meta.url))

type Compose = (files: readonly string[], ...argv: string[]) => Promise<Outcome>

/** The plug-in of today, or the program of old; undefined where there is neither. */
export async function findCompose (): Promise<string[] | undefined> {
  for (const one of [['docker', 'compose'], ['docker-compose']]) {
    const [program = '', ...argv] = one
    if ((await run(program, [...argv, 'version'])).code === 0) return one
  }
  return undefined
}

/** Runs compose in a project of its own, on the simulator and the image under test, whatever `.env` says. */
export function toComposing (command: string[] | undefined, project: string, env: Record<string, string> = {}): Compose | undefined {
  if (command === undefined) return undefined
  const [program = '', ...rest] = command
  return (files, ...argv) => run(program, [...rest, '--project-name', project, ...files.flatMap(file => ['--file', `${folder}${file}`]), ...argv], {
    PROXY_IMAGE: IMAGE, UPSTREAM: 'simulator', CLOUDFLARE_ACCOUNT_ID: '', CLOUDFLARE_API_TOKEN: '', ...env
  })
}
