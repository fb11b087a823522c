import { closestSpelling } from './did-you-mean.ts'
import { SETTINGS, type SettingName } from './schema.ts'

/** A variable that is not a setting, and whose name is close to one. */
export interface Misspelling {
  name: string
  /** The place it was found in, in words. */
  where: string
  meant: SettingName
}

/** Shorter names in the environment belong to other programs too often: `API_KEY`, `HOSTS`. */
const MIN_LENGTH_IN_ENVIRONMENT = 8

/** Every name that is read, with its setting. */
const settingsByName = new Map(SETTINGS.flatMap(({ name, aliases, secret }) => [name, ...aliases].flatMap(one => secret ? [one, `${one}_FILE`] : [one]).map(one => [one, name] as const)))
/** What OpenTelemetry calls the settings of logs and metrics differs little from those of traces. */
const OTHER_SIGNALS = /^OTEL_(?:BLRP|LOGS|METRICS|METRIC|LOGRECORD|EXPORTER_OTLP_(?:LOGS|METRICS))_/
const known = new Set([...settingsByName.keys(), 'CONFIG_FILE', 'CLOUDFLARE_EMAIL'])

/** Finds misspelled settings in the environment. Skips variables that other programs may use. */
export function misspelledInEnvironment (names: readonly string[]): Misspelling[] {
  return findMisspellings(names.filter(name => name.length >= MIN_LENGTH_IN_ENVIRONMENT), 'the environment')
}

/** Finds misspelled settings in `.env`. */
export function misspelledInDotEnv (names: readonly string[]): Misspelling[] {
  return findMisspellings(names, '.env')
}

/** Says what is wrong with the variable, in a sentence without its value. */
export function toNotice ({ name, where, meant }: Misspelling): string {
  return `${name} in ${where} is not a setting. Did you mean ${meant}?`
}

function findMisspellings (names: readonly string[], where: string): Misspelling[] {
  return names.flatMap(name => {
    if (known.has(name) || OTHER_SIGNALS.test(name)) return []
    const closest = closestSpelling(name.toUpperCase(), settingsByName.keys())
    const meant = closest === undefined ? undefined : settingsByName.get(closest)
    return meant === undefined ? [] : [{ name, where, meant }]
  })
}
