import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { SETTINGS } from '../../src/settings/schema.ts'
import { readSettings } from '../../src/settings/reader.ts'

const ROOT = new URL('../../', import.meta.url)

/** Variables a container of ours may have: the settings, files of secret ones, and what Node itself reads. */
const VARIABLES = new Set([
  'CONFIG_FILE', 'NODE_ENV', 'NODE_COMPILE_CACHE', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS',
  ...SETTINGS.flatMap(({ name, aliases, secret }) => [name, ...aliases, ...(secret ? [`${name}_FILE`] : [])])
])

/** The text of a file of the repository. */
export function textOf (path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** The documents of a YAML text. Throws when it is none. */
export function toDocuments (text: string): any[] {
  return parseAllDocuments(text, { strict: true }).map(document => {
    const [error] = document.errors
    if (error) throw error
    return document.toJS()
  })
}

/** Those of the names that the proxy would never read. */
export function unknownVariables (names: readonly string[]): string[] {
  return names.filter(name => !VARIABLES.has(name))
}

/**
 * The settings of a proxy that is started with these variables; every file they name holds `file`, and an account is
 * filled in where none is. Throws when it would refuse to start.
 */
export function toSettings (variables: Readonly<Record<string, string>>, file = 'text-of-a-secret') {
  const env = { ...variables, CLOUDFLARE_ACCOUNT_ID: variables['CLOUDFLARE_ACCOUNT_ID'] || '0'.repeat(32) }
  return readSettings({ env, readFile: () => file }).settings
}
