/** One thing that is wrong with the settings. */
export interface Problem {
  /** The setting, flag or file it is about. */
  name: string
  /** What came and what is wanted; never the value of a secret. */
  complaint: string
}

/** The settings are wrong; the message lists every problem on a line of its own. */
export class SettingsError extends Error {
  override name = 'SettingsError'
  readonly problems: readonly Problem[]

  constructor (problems: readonly Problem[]) {
    super([
      `workers-ai-proxy cannot start, ${problems.length === 1 ? 'one problem' : `${problems.length} problems`} with its settings:`,
      ...problems.map(({ name, complaint }) => `  ${name}: ${complaint}`),
      'All settings: workers-ai-proxy --help'
    ].join('\n'))
    this.problems = problems
  }
}
