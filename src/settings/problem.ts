import type { SettingName } from './schema.ts'

/** A configuration error. */
export interface Problem {
  /** The setting, flag or file it is about. */
  name: string
  /** What is wrong and what is expected, never with the value of a secret. A message without the name follows the name. */
  message: string
  /** A sentence that says what to do, where the message does not. */
  hint?: string | undefined
  /** The setting that an unknown name probably means. It is not reported as missing as well. */
  meant?: SettingName
}

/** The problem on one line, with the hint. */
function toText ({ name, message, hint }: Problem): string {
  return `${toSubject(name, message)}${hint === undefined ? '' : `. ${hint}`}`
}

/** The message without the hint. */
export function toSubject (name: string, message: string): string {
  return ` ${message} `.includes(` ${name} `) ? message : `${name}: ${message}`
}

/** The settings are wrong. The message lists every problem on its own line. */
export class SettingsError extends Error {
  override name = 'SettingsError'
  readonly problems: readonly Problem[]

  constructor (problems: readonly Problem[]) {
    super([
      `workers-ai-proxy cannot start: ${problems.length} configuration error${problems.length === 1 ? '' : 's'}`,
      ...problems.map(problem => `  ${toText(problem)}`)
    ].join('\n'))
    this.problems = problems
  }
}
