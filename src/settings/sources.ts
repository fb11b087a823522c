import { parseDocument } from 'yaml'
import type { CommandLine } from '../command-line.ts'
import { SETTINGS, type Setting, type SettingName } from '../settings.ts'
import type { Problem } from './problem.ts'

export type Environ = Readonly<Record<string, string | undefined>>

/** Answers the text of a file, or throws as `readFileSync` does. */
export type ReadFile = (path: string) => string

/** The values as they were written, the strongest source of each, and what went wrong on the way. */
export interface Gathered {
  values: Partial<Record<SettingName, string>>
  /** Where each value came from, in words. */
  origins: Partial<Record<SettingName, string>>
  problems: Problem[]
}

type Finding = { text: string, origin: string } | Omit<Problem, 'name'> | undefined

/** Looks for every setting in the flags, then the environment, then the config file. Complains, never throws. */
export function gatherValues (commandLine: CommandLine, environ: Environ, readFile: ReadFile): Gathered {
  const configPath = commandLine.config ?? environ['CONFIG_FILE']
  const config = configPath ? readConfig(configPath, readFile) : { entries: {}, problems: [] }
  const gathered: Gathered = { values: {}, origins: {}, problems: [...commandLine.problems, ...config.problems] }
  for (const setting of SETTINGS) {
    const found = findFlag(setting, commandLine) ??
      findEntry(setting, environ, 'the environment', readFile) ??
      findEntry(setting, config.entries, `${configPath}`, readFile)
    if (found && 'complaint' in found) gathered.problems.push({ name: setting.name, ...found })
    if (found && 'text' in found) {
      gathered.values[setting.name] = found.text
      gathered.origins[setting.name] = found.origin
    }
  }
  return gathered
}

function findFlag ({ name, flag }: Setting, { flags, demo }: CommandLine): Finding {
  const text = flags[name]
  return text === undefined ? undefined : { text: text.trim(), origin: demo && name === 'UPSTREAM' ? '--demo' : `--${flag}` }
}

/** An entry that is empty counts as not there: compose files hand on variables that are not set as empty ones. */
function findEntry (setting: Setting, entries: Readonly<Record<string, unknown>>, where: string, readFile: ReadFile): Finding {
  const entry = toText(setting, entries[setting.name])
  if (entry === undefined) return { complaint: `got ${Array.isArray(entries[setting.name]) ? 'a list' : 'an object'} from ${where}; wants ${setting.wants}` }
  const path = setting.secret && toText(setting, entries[`${setting.name}_FILE`])
  if (path && entry !== '') return { complaint: `is set in ${where}, and so is ${setting.name}_FILE; wants only one of them` }
  if (path) return readSecret(setting, path, readFile)
  // An empty HOST would have Node listen on every address, so it is not passed over but refused.
  if (entry !== '' || (setting.name === 'HOST' && entries['HOST'] === '')) return { text: entry, origin: where }
  return findAlias(setting, entries, where)
}

function findAlias (setting: Setting, entries: Readonly<Record<string, unknown>>, where: string): Finding {
  // With an e-mail address beside it, CLOUDFLARE_API_KEY is the account's global key, which is no token.
  const aliases = setting.aliases.filter(alias => alias !== 'CLOUDFLARE_API_KEY' || !entries['CLOUDFLARE_EMAIL'])
  for (const alias of aliases) {
    const text = toText(setting, entries[alias])
    if (text) return { text, origin: `${alias} in ${where}` }
  }
  return undefined
}

function readSecret ({ name }: Setting, path: string, readFile: ReadFile): Finding {
  try {
    const text = readFile(path).trim()
    return text === '' ? { complaint: `${name}_FILE names ${path}, which is empty` } : { text, origin: `${path} (${name}_FILE)` }
  } catch (error) {
    return { complaint: `${name}_FILE names a file that cannot be read (${toReason(error)})`, next: 'Check the path, and that this user may read the file.' }
  }
}

function readConfig (path: string, readFile: ReadFile): { entries: Record<string, unknown>, problems: Problem[] } {
  try {
    const entries = parseConfig(readFile(path))
    const unknown = Object.keys(entries).filter(key => !configKeys.has(key))
    return { entries, problems: unknown.map(key => ({ name: key, complaint: `is no setting of this program, but ${path} has it` })) }
  } catch (error) {
    return { entries: {}, problems: [{ name: 'CONFIG_FILE', complaint: `${path} cannot be read (${toReason(error)})` }] }
  }
}

const configKeys = new Set([
  '$schema',
  ...SETTINGS.flatMap(({ name, aliases, secret }) => [name, ...aliases, ...(secret ? [`${name}_FILE`] : [])])
])

/** JSON is YAML. The schema without numbers and booleans leaves `0123` and `yes` as they were written, as the environment would. */
function parseConfig (text: string): Record<string, unknown> {
  const document = parseDocument(text, { schema: 'failsafe', customTags: ['null'] })
  const [error] = document.errors
  if (error) throw error
  const entries: unknown = document.toJS() ?? {}
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) throw new Error('wants settings by their names')
  return { ...entries }
}

/** The text of one entry, '' when there is none; undefined when it is a list or an object where none belongs. */
function toText ({ kind }: Setting, value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim()
  if (typeof value !== 'object' || value === null) return ''
  if (kind === 'list' && Array.isArray(value)) return value.join(',')
  return kind === 'map' && !Array.isArray(value) ? JSON.stringify(value) : undefined
}

/** The first line: a YAML error goes on with a drawing of the place, which may show a secret. */
function toReason (error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  return line.replace(/:$/, '')
}
