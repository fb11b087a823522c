import { probe } from './probe.ts'
import type { Finding } from './finding.ts'
import { checkRedis } from './redis.ts'
import { toFindings, toProblemFindings, toSettingsFinding } from './findings.ts'
import { toExitCode, toJsonReport, toPreface, toReport } from './report.ts'
import { SettingsError } from '../../settings/problem.ts'
import type { SettingsReading } from '../../settings/reader.ts'
import type { Settings } from '../../settings/schema.ts'
import { startUpstream } from '../../serve/upstream.ts'

export interface DoctorOptions {
  /** The model to run, by any name the proxy takes; DEFAULT_MODEL or a cheap one without it. */
  model: string | undefined
  /** Whether to make the run, which is billed. */
  isRunWanted: boolean
  /** Reports as JSON. */
  json: boolean
  /** Throws a SettingsError as the start of the proxy would. */
  readSettings: () => SettingsReading
  /** Puts text on the screen. */
  write: (text: string) => void
}

/** Looks at settings, network, account, token, a model and Redis, and reports what is wrong; resolves with the exit code. */
export async function runDoctor (options: DoctorOptions): Promise<number> {
  const findings = await findAll(options)
  options.write(options.json ? toJsonReport(findings) : toReport(findings))
  return toExitCode(findings)
}

async function findAll ({ model, isRunWanted, json, readSettings, write }: DoctorOptions): Promise<Finding[]> {
  const reading = readOrProblems(readSettings)
  if (Array.isArray(reading)) return reading
  if (!json) write(toPreface(reading.settings.upstream, isRunWanted))
  const { settings, closeUpstream } = await startUpstream(reading.settings)
  try {
    const findings = [toSettingsFinding(reading.lines, settings, reading)]
    for (const one of toSingles(settings)) {
      const results = await probe(one.settings, { model, isRunWanted })
      findings.push(...toFindings(results, { ...one, now: new Date() }))
    }
    return [...findings, ...await checkRedis(settings)]
  } finally {
    await closeUpstream()
  }
}

/** The settings of each account by itself, with its name where there are several. */
function toSingles ({ accounts, ...settings }: Settings): Array<{ settings: Settings, account?: string }> {
  return accounts?.map(cloudflare => ({ settings: { ...settings, cloudflare }, account: cloudflare.name })) ?? [{ settings }]
}

function readOrProblems (readSettings: DoctorOptions['readSettings']): SettingsReading | Finding[] {
  try {
    return readSettings()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return toProblemFindings(error.problems)
  }
}
