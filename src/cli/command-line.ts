import { parseArgs, type ParseArgsConfig } from 'node:util'
import { nearestName } from '../settings/did-you-mean.ts'
import type { Misspelling } from '../settings/misspellings.ts'
import type { Problem } from '../settings/problem.ts'
import type { ConfigLine } from '../settings/reader.ts'
import { SETTINGS, type Setting } from '../settings/schema.ts'
import type { Flags } from '../settings/sources.ts'

/** What was asked for on the command line, before any value is checked. */
export interface CommandLine extends Flags {
  command: 'serve' | 'healthcheck' | 'doctor' | 'usage'
  help: boolean
  version: boolean
  printConfig: boolean
  /** The doctor makes no run. */
  noRun: boolean
  /** Doctor and usage report as JSON. */
  json: boolean
  /** The model the doctor runs. */
  model: string | undefined
  /** The day whose usage is shown. */
  date: string | undefined
}

/** Arguments that are no flags. */
const COMMANDS = ['doctor', 'healthcheck', 'usage'] as const

const settingsByFlag = new Map(SETTINGS.map(setting => [setting.flag, setting]))
const switches = new Map<string, 'help' | 'version' | 'printConfig' | 'demo' | 'noRun' | 'json'>([
  ['help', 'help'], ['version', 'version'], ['print-config', 'printConfig'], ['demo', 'demo'], ['no-run', 'noRun'], ['json', 'json']
])
/** Flags with a value that are no settings, and what they want. */
const others = new Map<string, { name: 'config' | 'model' | 'date', expected: string }>([
  ['config', { name: 'config', expected: 'the path of a YAML or JSON file' }],
  ['model', { name: 'model', expected: 'the name of a model' }],
  ['date', { name: 'date', expected: 'a day in UTC, e.g. 2026-03-01' }]
])

/** Reads the arguments after the program's name; the last of a repeated flag wins. Complains, never throws. */
export function parseCommandLine (argv: readonly string[]): CommandLine {
  const commandLine: CommandLine = {
    command: 'serve',
    help: false,
    version: false,
    printConfig: false,
    demo: false,
    noRun: false,
    json: false,
    model: undefined,
    date: undefined,
    config: undefined,
    flags: {},
    problems: []
  }
  // Not strict: a strict parse stops at the first mistake, and every mistake is to be reported.
  const { tokens } = parseArgs({
    args: argv.map(keepApart),
    options: toParserOptions(),
    strict: false,
    allowPositionals: true,
    tokens: true
  })
  /** Of the last argument that was no flag of this program. */
  let unknownAt = -Infinity
  for (const token of tokens) {
    if (token.kind === 'option' && isFlag(token.name)) {
      readFlag(commandLine, token.name, token.value, token.rawName)
    } else if (token.kind === 'option') {
      // Letters after a single dash are separate flags, but one mistake.
      if (token.index !== unknownAt) commandLine.problems.push(toUnknownFlag(argv[token.index] ?? token.rawName))
      unknownAt = token.index
    }
    // An argument after an unknown flag may be its value, and is not reported again.
    if (token.kind === 'positional' && (isCommand(token.value) || token.index !== unknownAt + 1)) readArgument(commandLine, token.value)
  }
  if (commandLine.demo) chooseSimulator(commandLine)
  refuseForeignFlags(commandLine)
  return commandLine
}

/** The text of --help, at most 100 columns wide. */
export function toHelp (): string {
  const groups = [...new Set(SETTINGS.map(setting => setting.group))]
  return `Usage: workers-ai-proxy [flags]
       workers-ai-proxy doctor [flags]        checks settings, network, account and token
       workers-ai-proxy healthcheck [flags]   checks a running proxy; exit code 0 means healthy
       workers-ai-proxy usage [flags]         prints what a running proxy used today and has left

An OpenAI-compatible proxy for Cloudflare Workers AI.

Examples:
  workers-ai-proxy --demo
      Needs no account: a simulator answers, and the terminal shows one chat.
  CLOUDFLARE_ACCOUNT_ID=... CLOUDFLARE_API_TOKEN=... workers-ai-proxy --port 8686
      Then point OpenAI clients at http://127.0.0.1:8686/v1.
  workers-ai-proxy doctor
      Makes one tiny run; doctor --help lists its flags and exit codes.

Precedence: flag, environment variable, .env in the working directory, config file, default.
A secret can also be read from a file: NAME_FILE=/path.

General:
  --help, -h       Shows this help.
  --version, -v    Shows the version.
  --print-config   Shows every setting, its value and where the value came from.
  --config FILE    CONFIG_FILE: a YAML or JSON file; keys are the names of environment variables.
  --demo           UPSTREAM=simulator; also shows one chat through the proxy.

${groups.map(toHelpOfGroup).join('\n\n')}
`
}

/**
 * The table --print-config shows: name, value and origin of every setting; secrets are masked.
 * @param unread names in `.env` that are not read from there
 * @param misspelled variables that are probably misspelled settings
 */
export function toConfigTable (lines: readonly ConfigLine[], unread: readonly string[], misspelled: readonly Misspelling[] = []): string {
  const settings = lines.map(({ name, value, secret, origin }) => [name, shown(value, secret), origin] as const)
  const rows = [
    ...settings,
    ...unread.map(name => [name, '-', 'ignored in .env'] as const),
    ...misspelled.map(({ name, where, meant }) => [name, '-', `not a setting (${where}); did you mean ${meant}?`] as const)
  ]
  const nameWidth = Math.max(...rows.map(([name]) => name.length))
  const valueWidth = Math.max(...rows.map(([, value]) => value.length))
  return rows.map(([name, value, origin]) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${origin}\n`).join('')
}

/** In `--port --host x` a parser that is not strict would take `--host` for the port. */
function keepApart (argument: string, index: number, argv: readonly string[]): string {
  const flag = argument.startsWith('--') ? argument.slice(2) : ''
  const takesValue = others.has(flag) || (settingsByFlag.get(flag) ?? { kind: 'boolean' }).kind !== 'boolean'
  return takesValue && argv[index + 1]?.startsWith('--') ? `${argument}=` : argument
}

function toParserOptions (): NonNullable<ParseArgsConfig['options']> {
  const settings = SETTINGS.map(({ flag, kind }) => [flag, { type: kind === 'boolean' ? 'boolean' : 'string' }] as const)
  return {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
    'print-config': { type: 'boolean' },
    demo: { type: 'boolean' },
    'no-run': { type: 'boolean' },
    json: { type: 'boolean' },
    config: { type: 'string' },
    model: { type: 'string' },
    date: { type: 'string' },
    ...Object.fromEntries(settings)
  }
}

function readFlag (commandLine: CommandLine, flag: string, value: string | undefined, written: string): void {
  const chosen = switches.get(flag)
  const setting = settingsByFlag.get(flag)
  const other = others.get(flag)
  if (chosen && value === undefined) {
    commandLine[chosen] = true
  } else if (chosen) {
    commandLine.problems.push({ name: written, message: `option ${written} takes no value` })
  } else if (setting?.kind === 'boolean') {
    commandLine.flags[setting.name] = value ?? 'true'
  } else if (!value) {
    commandLine.problems.push({ name: written, message: `option ${written} needs a value: ${setting?.expected ?? other?.expected}` })
  } else if (setting) {
    commandLine.flags[setting.name] = value
  } else if (other) {
    commandLine[other.name] = value
  }
}

function isFlag (name: string): boolean {
  return switches.has(name) || settingsByFlag.has(name) || others.has(name)
}

/** @param argument as it was written, with its value where that is joined to it */
function toUnknownFlag (argument: string): Problem {
  const [name = ''] = argument.split('=', 1)
  const near = nearestName(name.replace(/^-+/, '').replaceAll('_', '-'), FLAGS)
  const message = `unknown option ${name}`
  if (near === undefined) return { name, message }
  const meant = near === 'demo' ? 'UPSTREAM' : settingsByFlag.get(near)?.name
  return { name, message, hint: `Did you mean --${near}?`, ...(meant !== undefined && { meant }) }
}

const FLAGS = [...switches.keys(), ...others.keys(), ...settingsByFlag.keys()]

function isCommand (argument: string): argument is typeof COMMANDS[number] {
  return COMMANDS.some(command => command === argument)
}

function readArgument (commandLine: CommandLine, argument: string): void {
  if (isCommand(argument)) commandLine.command = argument
  else commandLine.problems.push(toUnknownCommand(argument))
}

function toUnknownCommand (argument: string): Problem {
  const name = `"${argument}"`
  const near = nearestName(argument, [...COMMANDS, 'demo', 'help', 'version', 'print-config'])
  const message = `unknown command ${name}`
  if (near === undefined) return { name, message, hint: `The commands are ${COMMANDS.slice(0, -1).join(', ')} and ${COMMANDS.at(-1)}; without a command the proxy serves.` }
  // None of these needs an account.
  return { name, message, hint: `Did you mean ${isCommand(near) ? near : `--${near}`}?`, meant: 'UPSTREAM' }
}

/** Flags that only some commands have. */
function refuseForeignFlags ({ command, model, noRun, json, date, problems }: CommandLine): void {
  const given = [
    { name: '--model', isGiven: model !== undefined, commands: ['doctor'] },
    { name: '--no-run', isGiven: noRun, commands: ['doctor'] },
    { name: '--json', isGiven: json, commands: ['doctor', 'usage'] },
    { name: '--date', isGiven: date !== undefined, commands: ['usage'] }
  ]
  for (const { name, isGiven, commands } of given) {
    if (!isGiven || commands.includes(command)) continue
    problems.push({ name, message: `option ${name} belongs to the command${commands.length > 1 ? 's' : ''} ${commands.join(' and ')}` })
  }
}

function chooseSimulator (commandLine: CommandLine): void {
  const upstream = commandLine.flags.UPSTREAM
  if (upstream !== undefined && upstream !== 'simulator') {
    commandLine.problems.push({ name: '--demo', message: `option --demo means --upstream simulator, and conflicts with --upstream ${upstream}` })
  }
  commandLine.flags.UPSTREAM = 'simulator'
}

function toHelpOfGroup (group: string): string {
  const settings = SETTINGS.filter(setting => setting.group === group)
  return `${group}:\n${settings.map(toHelpOfSetting).join('\n')}`
}

/** Columns of --help. */
const WIDTH = 100
const NAME_COLUMN = 40

function toHelpOfSetting ({ flag, kind, name, default: byDefault, doc }: Setting): string {
  const value = kind === 'boolean' ? '' : ` ${kind === 'number' ? 'N' : 'VALUE'}`
  const tail = byDefault === undefined ? '' : ` (default: ${byDefault})`
  const written = `  --${flag}${value}`
  const line = `${written.padEnd(NAME_COLUMN)}   ${name}`
  return `${line.length > WIDTH ? `${written}\n${' '.repeat(NAME_COLUMN)}   ${name}` : line}\n      ${doc}${tail}`
}

function shown (value: string | undefined, secret: boolean): string {
  if (value === undefined) return '-'
  return secret ? '****' : value
}
