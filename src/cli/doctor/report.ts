import type { FailureCategory, Finding } from './finding.ts'

/** The exit codes of the doctor; 0 when nothing failed. */
const EXIT_CODES: Record<FailureCategory, number> = { other: 1, settings: 2, credentials: 3, network: 4, model: 5 }

/** The first failure decides, because later ones may be consequences of it. */
export function toExitCode (findings: readonly Finding[]): number {
  const failure = findings.find(finding => finding.verdict === 'failed')
  return failure === undefined ? 0 : EXIT_CODES[failure.blame]
}

/** The report for a person: a line per finding, a line per next step, and a summary. */
export function toReport (findings: readonly Finding[]): string {
  const lines = findings.map(finding => {
    const line = `${finding.verdict.padEnd(8)} ${finding.check.padEnd(9)} ${finding.account === undefined ? '' : `${finding.account}: `}${toOneLine(finding.message)}\n`
    return 'next' in finding ? `${line}${' '.repeat(19)}→ ${toOneLine(finding.next)}\n` : line
  })
  return `${lines.join('')}\n${toSummary(findings)}\n`
}

/** The same for a program. */
export function toJsonReport (findings: readonly Finding[]): string {
  return `${JSON.stringify({ exitCode: toExitCode(findings), findings }, undefined, 2)}\n`
}

/** Announces the checks and their cost. */
export function toPreface (upstream: string, isRunWanted: boolean): string {
  if (upstream === 'simulator') return 'Lists the models of the simulator and runs one of them. Nothing is billed.\n\n'
  const cost = isRunWanted ? ' and runs one of them, which bills a few neurons; --no-run skips the run' : '; runs none of them'
  return `Lists the models of Cloudflare${cost}.\n\n`
}

/** The text of `doctor --help`, at most 100 columns wide. */
export function toDoctorHelp (): string {
  return `Usage: workers-ai-proxy doctor [flags]

Checks the settings, the network, the account id, the token, a model, and Redis where there is
one, and says what to do about each failure. It reads the settings as the proxy does, lists the
models of the account, and makes one tiny run, which bills a few neurons.
Of several accounts it checks each.

  --model NAME     Runs this model; by default DEFAULT_MODEL or a cheap model.
  --no-run         Makes no run, so nothing is billed.
  --json           Prints JSON.

All flags and settings of the proxy apply as well, e.g. --demo to check the simulator.

Exit codes:
  0   nothing failed; there may be warnings
  1   Cloudflare failed in another way
  2   settings: a setting is missing or wrong
  3   credentials: the account id or the token is wrong
  4   network: Cloudflare cannot be reached
  5   model: unknown, not allowed or busy, or the daily free neurons are used up
`
}

function toSummary (findings: readonly Finding[]): string {
  const count = (verdict: Finding['verdict']) => findings.filter(finding => finding.verdict === verdict).length
  const [failures, warnings, skips] = [count('failed'), count('warning'), count('skipped')]
  if (failures > 0) return `FAILED (exit code ${toExitCode(findings)})`
  if (warnings > 0) return `OK, with ${warnings === 1 ? '1 warning' : `${warnings} warnings`}`
  return skips > 0 ? `OK (${skips === 1 ? '1 check' : `${skips} checks`} skipped)` : 'OK'
}

/** Removes line breaks and terminal control characters from foreign text. */
function toOneLine (text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ')
}
