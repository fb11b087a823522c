import { parseEnv } from 'node:util'
import { parseDocument } from 'yaml'
import { nearestName } from './did-you-mean.ts'
import { misspelledInDotEnv, misspelledInEnvironment, type Misspelling } from './misspellings.ts'
import { SETTINGS, type Setting, type SettingName } from './schema.ts'
import type { Problem } from './problem.ts'

export type Environ = Readonly<Record<string, string | undefined>>

/** Answers the text of a file, or throws as `readFileSync` does. */
export type ReadFile = (path: string) => string

/** What a command line says of settings, before any value is checked. */
export interface Flags {
  /** Values as they were written. */
  flags: Partial<Record<SettingName, string>>
  /** Path of the config file, when --config names one. */
  config: string | undefined
  /** --demo chose the simulator. */
  demo: boolean
  problems: Problem[]
}

/** The values as written, the source of each, and the problems found so far. */
export interface RawSettings {
  values: Partial<Record<SettingName, string>>
  /** Where each value came from, in words. */
  origins: Partial<Record<SettingName, string>>
  /** The settings that `.env` decides: it holds the value itself, or names the file that does. */
  dotEnv: Partial<Record<SettingName, 'holds' | 'names'>>
  /** Names in `.env` that change what a program does elsewhere, and are not read here. */
  unread: string[]
  /** Variables that are probably misspelled settings. None of these settings has a value. */
  misspelled: Misspelling[]
  problems: Problem[]
}

interface Found {
  text: string
  origin: string
  /** It stands in a file that the source names. */
  isInFile?: boolean
}

type Finding = Found | Omit<Problem, 'name'> | undefined

/** One place where settings may stand, by their names. */
interface Entries {
  /** What it is called in a sentence. */
  where: string
  entries: Readonly<Record<string, unknown>>
  /** Whether it is `.env`, or a file that `.env` names. */
  dotEnv?: 'holds' | 'names'
}

/**
 * Looks for every setting in the flags, then the environment, then `.env`, then the config file. Complains, never throws.
 * @param dotEnv the text of `.env`. Only settings are read from it, because the user who starts the program did not
 *   necessarily write the file in the working directory.
 */
export function gatherValues (commandLine: Flags, environ: Environ, readFile: ReadFile, dotEnv = ''): RawSettings {
  const inDotEnv = parseEnv(dotEnv)
  const configPath = commandLine.config || environ['CONFIG_FILE'] || inDotEnv['CONFIG_FILE']
  const isOfDotEnv = !commandLine.config && !environ['CONFIG_FILE']
  const config = configPath ? readConfig(configPath, readFile) : { entries: {}, problems: [] }
  const sources: Entries[] = [
    { where: 'the environment', entries: environ },
    { where: '.env', entries: inDotEnv, dotEnv: 'holds' },
    isOfDotEnv ? { where: `${configPath} (CONFIG_FILE in .env)`, entries: config.entries, dotEnv: 'names' } : { where: `${configPath}`, entries: config.entries }
  ]
  // Together with an e-mail address, CLOUDFLARE_API_KEY is the Global API Key of the account, which is not a token.
  const isGlobalKey = sources.some(({ entries }) => Boolean(entries['CLOUDFLARE_EMAIL']))
  const raw: RawSettings = {
    values: {},
    origins: {},
    dotEnv: {},
    unread: Object.keys(inDotEnv).filter(isUnread).sort(),
    misspelled: [],
    problems: [...commandLine.problems, ...config.problems]
  }
  for (const setting of SETTINGS) {
    const { name } = setting
    let found = findFlag(setting, commandLine)
    for (const source of sources) {
      if (found !== undefined) break
      found = findEntry(isGlobalKey ? withoutKey(setting) : setting, source, readFile)
      if (source.dotEnv && found && 'text' in found) raw.dotEnv[name] = found.isInFile ? 'names' : source.dotEnv
    }
    if (found && 'message' in found) raw.problems.push({ name, ...found })
    if (found && 'text' in found) {
      raw.values[name] = found.text
      raw.origins[name] = found.origin
    }
  }
  const misspelled = [...misspelledInDotEnv(Object.keys(inDotEnv)), ...misspelledInEnvironment(Object.keys(environ))]
  return { ...raw, misspelled: misspelled.filter(({ meant }) => raw.values[meant] === undefined) }
}

/** Names that Node, its TLS, proxies of HTTP and telemetry go by. A `.env` that others share has names of other programs, too. */
function isUnread (name: string): boolean {
  return (!configKeys.has(name) && /^(NODE|UV|SSL|OTEL)_/.test(name)) || /^(https?|all|no)_proxy$/i.test(name)
}

function withoutKey (setting: Setting): Setting {
  return { ...setting, aliases: setting.aliases.filter(alias => alias !== 'CLOUDFLARE_API_KEY') }
}

function findFlag ({ name, flag }: Setting, { flags, demo }: Flags): Finding {
  const text = flags[name]
  return text === undefined ? undefined : { text: text.trim(), origin: demo && name === 'UPSTREAM' ? '--demo' : `--${flag}` }
}

/** Empty entries count as absent, because compose files pass unset variables as empty ones. */
function findEntry (setting: Setting, { entries, where }: Entries, readFile: ReadFile): Finding {
  const entry = toText(setting, entries[setting.name])
  if (entry === undefined) return { message: `got ${Array.isArray(entries[setting.name]) ? 'a list' : 'an object'} from ${where}; expected ${setting.expected}` }
  const path = setting.secret && toText(setting, entries[`${setting.name}_FILE`])
  if (path && entry !== '') return { message: `${setting.name} and ${setting.name}_FILE are both set in ${where}; expected only one of them` }
  if (path) return readSecret(setting.name, path, where, readFile)
  // An empty HOST is an error: Node would listen on every address.
  if (entry !== '' || (setting.name === 'HOST' && entries['HOST'] === '')) return { text: entry, origin: where }
  return findAlias(setting, entries, where, readFile)
}

function findAlias (setting: Setting, entries: Readonly<Record<string, unknown>>, where: string, readFile: ReadFile): Finding {
  for (const alias of setting.aliases) {
    const text = toText(setting, entries[alias])
    if (text) return { text, origin: `${alias} in ${where}` }
    const path = setting.secret && toText(setting, entries[`${alias}_FILE`])
    if (path) return readSecret(alias, path, where, readFile)
  }
  return undefined
}

function readSecret (name: string, path: string, where: string, readFile: ReadFile): Finding {
  try {
    const text = readFile(path).trim()
    return text === '' ? { message: `${name}_FILE names ${path}, which is empty` } : { text, origin: `${path} (${name}_FILE${where === '.env' ? ' in .env' : ''})`, isInFile: true }
  } catch (error) {
    return { message: `cannot read the file that ${name}_FILE names (${toReason(error)})`, hint: 'Check the path and the permissions of the file.' }
  }
}

function readConfig (path: string, readFile: ReadFile): { entries: Record<string, unknown>, problems: Problem[] } {
  try {
    const entries = parseConfig(readFile(path))
    const unknown = Object.keys(entries).filter(key => !configKeys.has(key))
    return { entries, problems: unknown.map(key => ({ name: key, message: `unknown setting ${key} in ${path}`, ...toMeant(key) })) }
  } catch (error) {
    return { entries: {}, problems: [{ name: 'CONFIG_FILE', message: `cannot read ${path} (${toReason(error)})` }] }
  }
}

const configKeys = new Set([
  '$schema',
  ...SETTINGS.flatMap(({ name, aliases, secret }) => [name, ...aliases].flatMap(one => secret ? [one, `${one}_FILE`] : [one]))
])

/** Suggests a setting for a name written as a flag or in camel case, as other programs do. */
function toMeant (key: string): Pick<Problem, 'hint' | 'meant'> {
  const written = key.replaceAll(/([a-z])([A-Z])/g, '$1-$2').replaceAll(/[_\s.]+/g, '-').toLowerCase()
  const flag = nearestName(written, SETTINGS.map(setting => setting.flag))
  const name = SETTINGS.find(setting => setting.flag === flag)?.name
  if (name === undefined) return {}
  return { meant: name, hint: flag === written ? `The name is ${name}.` : `Did you mean ${name}?` }
}

/** JSON is YAML. The schema has no numbers and booleans, so `0123` and `yes` stay text, as in the environment. */
function parseConfig (text: string): Record<string, unknown> {
  const document = parseDocument(text, { schema: 'failsafe', customTags: ['null'] })
  const [error] = document.errors
  if (error) throw error
  const entries: unknown = document.toJS() ?? {}
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) throw new Error('expected an object with the names of settings')
  return { ...entries }
}

/** The text of one entry, '' when there is none; undefined when it is a list or an object where none belongs. */
function toText ({ kind }: Setting, value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim()
  if (typeof value !== 'object' || value === null) return ''
  if (kind === 'list' && Array.isArray(value)) return value.join(',')
  if (kind === 'maps' && Array.isArray(value)) return JSON.stringify(value)
  return kind === 'map' && !Array.isArray(value) ? JSON.stringify(value) : undefined
}

/** The first line only: the following lines of a YAML error quote the file, which may contain a secret. */
function toReason (error: unknown): string {
  const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
  return line.replace(/:$/, '')
}
