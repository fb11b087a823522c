import type { SettingName } from './schema.ts'

/** One thing that is wrong with the settings. */
export interface Problem {
  /** The setting, flag or file it is about. */
  name: string
  /** What came and what is wanted; never the value of a secret. */
  complaint: string
  /** A sentence that says what to do, where the complaint does not. */
  next?: string | undefined
  /** The setting that was probably meant by a name that is none: nobody complains that it is missing as well. */
  meant?: SettingName
}

/** The settings are wrong; the message lists every problem on a line of its own. */
export class SettingsError extends Error {
  override name = 'SettingsError'
  readonly problems: readonly Problem[]

  constructor (problems: readonly Problem[]) {
    super([
      `workers-ai-proxy cannot start, ${problems.length === 1 ? 'one problem' : `${problems.length} problems`} with its settings:`,
      ...problems.map(({ name, complaint, next }) => `  ${name}: ${complaint}${next === undefined ? '' : `. ${next}`}`)
    ].join('\n'))
    this.problems = problems
  }
}
