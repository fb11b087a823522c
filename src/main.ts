#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { toListenComplaint, toLocalUrl } from './settings/address.ts'
import { toBanner, toCurl, toNextStep, toSdkLines, type ServerInfo } from './cli/banner.ts'
import { parseCommandLine, toConfigTable, toHelp } from './cli/command-line.ts'
import { showChat } from './cli/demo.ts'
import { toDoctorHelp } from './cli/doctor/report.ts'
import { breakOff, drain } from './serve/drain.ts'
import { StartError } from './errors.ts'
import { checkHealth } from './cli/healthcheck.ts'
import { showUsage, toUsageHelp } from './cli/usage/usage.ts'
import { toVersionComplaint } from './cli/node-version.ts'
import type { Settings } from './settings/schema.ts'
import { toNotice } from './settings/misspellings.ts'
import { SettingsError } from './settings/problem.ts'
import { readAccess, readAddress, readSettings, surveySettings, type SettingsInput, type SettingsReading } from './settings/reader.ts'
import type { PrimaryLink } from './telemetry/primary-link.ts'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Connections that wait to be accepted, as far as the system allows: Node's 511 are fewer than the streams one process serves. */
const BACKLOG = 4_096

/** What answers have to be cut after a bug, before the process ends without. */
const CUT_MS = 1_500

/** How long the banner waits for the models. */
const SURVEY_MS = 2_000

const exampleModel = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'

// The first process of a container ignores signals without a listener, and would then be killed after the grace period.
const exitAtOnce = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal])
/** What a signal does. The listener stays: Node drops a signal that is under way while there is none. */
let onSignal = exitAtOnce
for (const signal of SIGNALS) process.on(signal, () => onSignal(signal))

const argv = process.argv.slice(2)
const commandLine = parseCommandLine(argv)
const { version, engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string, engines: { node: string } }
const complaint = toVersionComplaint(process.versions.node, engines.node)

if (complaint !== undefined) {
  fail(complaint, 2)
} else if (argv[0] === 'worker' && process.connected) {
  await serveAsWorker()
} else if (commandLine.help) {
  process.stdout.write(commandLine.command === 'doctor' ? toDoctorHelp() : commandLine.command === 'usage' ? toUsageHelp() : toHelp())
} else if (commandLine.version) {
  process.stdout.write(`${version}\n`)
} else if (commandLine.command === 'healthcheck') {
  await reportHealth()
} else if (commandLine.command === 'doctor') {
  await askDoctor()
} else if (commandLine.command === 'usage') {
  await reportUsage()
} else {
  await start()
}

/** Docker knows only healthy (0) and unhealthy (1), so wrong settings are unhealthy too. */
async function reportHealth (): Promise<void> {
  try {
    await checkHealth(readAddress(toSettingsInput()))
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), 1)
  }
}

async function reportUsage (): Promise<void> {
  const { date, json } = commandLine
  try {
    await showUsage({ ...readAccess(toSettingsInput()), date, json, now: new Date(), write: text => process.stdout.write(text) })
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), error instanceof SettingsError ? 2 : 1)
  }
}

async function askDoctor (): Promise<void> {
  const { runDoctor } = await import('./cli/doctor/doctor.ts')
  process.exitCode = await runDoctor({
    ...commandLine,
    isRunWanted: !commandLine.noRun,
    readSettings: () => readSettings(toSettingsInput()),
    write: text => process.stdout.write(text)
  })
}

async function start (): Promise<void> {
  try {
    if (commandLine.printConfig) return printConfig()
    await serve(readSettings(toSettingsInput()))
  } catch (error) {
    if (error instanceof StartError) fail(error.message, error.exitCode)
    else if (error instanceof SettingsError) failBySettings(error)
    else throw error
  }
}

/** Prints the problems after the table, so that neither hides the other. */
function printConfig (): void {
  const { lines, unread, misspelled, problems } = surveySettings(toSettingsInput())
  process.stdout.write(toConfigTable(lines, unread, misspelled))
  if (problems.length > 0) failBySettings(new SettingsError(problems))
}

function failBySettings ({ message }: SettingsError): void {
  fail(`${message}\nRun it with --help to list all settings, with doctor to check account and token, or with --demo to try it without an account.`, 2)
}

function toSettingsInput (): SettingsInput {
  return { commandLine, env: process.env, readFile: path => readFileSync(path, 'utf8'), ...readDotEnv() }
}

/** Not into the environment, where Node would read from it whom it trusts. */
function readDotEnv (): Pick<SettingsInput, 'dotEnv' | 'problems'> {
  try {
    return { dotEnv: readFileSync('.env', 'utf8') }
  } catch (error) {
    if (toCode(error) === 'ENOENT') return {}
    return { problems: [{ name: '.env', message: `cannot read .env (${toCode(error)})` }] }
  }
}

/** What serves, be it one process or several. */
interface Running {
  port: number
  log: FastifyBaseLogger
  surveyModels: () => Promise<ServerInfo['models']>
  /** Lets answers end. */
  drain: () => Promise<void>
  /** Ends answers with an error that their clients can read. */
  cut: () => Promise<void>
  /** Ends what would outlive this process. */
  end: () => Promise<void>
}

async function serve ({ settings, unread, misspelled }: SettingsReading): Promise<void> {
  let received: NodeJS.Signals | undefined
  // What is being started may have accepted a connection already.
  onSignal = signal => {
    if (received !== undefined) exitAtOnce(signal)
    received = signal
  }
  const running = settings.workers > 1 ? await serveByWorkers(settings) : await serveHere(settings)
  if (unread.length > 0) running.log.warn({ names: unread }, 'these variables have no effect in .env; only settings are read from it')
  for (const misspelling of misspelled) running.log.warn(toNotice(misspelling))
  const bannerPrinted = printBanner(running, settings)
  installShutdown(running, bannerPrinted)
  if (received !== undefined) onSignal(received)
}

async function serveHere (settings: Settings): Promise<Running> {
  const app = await listen(settings)
  const { port } = app.server.address() as AddressInfo
  return {
    port,
    log: app.log,
    surveyModels: () => app.surveyModels(),
    drain: () => drain(app, settings),
    cut: () => breakOff(app),
    end: async () => {}
  }
}

async function serveByWorkers (settings: Settings): Promise<Running> {
  const { newLogger } = await import('./telemetry/logger.ts')
  const { startWorkers } = await import('./serve/cluster.ts')
  const log = newLogger(settings)
  const workers = await startWorkers(settings, log)
  const { port } = workers
  log.info({ workers: settings.workers }, `listening at ${toLocalUrl({ host: settings.host, port })}`)
  return {
    port,
    log,
    surveyModels: () => workers.surveyModels(),
    drain: () => workers.drain(),
    cut: () => workers.cut(),
    end: () => workers.end()
  }
}

async function serveAsWorker (): Promise<void> {
  const { work } = await import('./serve/worker.ts')
  onSignal = () => {}
  await work(listen)
}

/** @throws SettingsError, or StartError when it cannot listen */
async function listen (settings: Settings, listenText?: string, link?: PrimaryLink): Promise<FastifyInstance> {
  const { buildApp } = await import('./index.ts')
  const app = await buildApp(settings, {}, link)
  try {
    // For localhost Fastify would open a server per address, and wait for the streams of only one of them at the end.
    const host = settings.host.toLowerCase() === 'localhost' ? '127.0.0.1' : settings.host
    await app.listen({ host, port: settings.port, backlog: BACKLOG, listenTextResolver: address => listenText ?? `listening at ${address}` })
    return app
  } catch (error) {
    await app.close()
    const complaint = toListenComplaint(toCode(error), settings)
    throw complaint === undefined ? error : new StartError(complaint, 2)
  }
}

/**
 * Stops on a signal; a second signal exits at once. After an uncaught exception the state is unknown, so the process exits
 * within two seconds and a supervisor can start another one.
 */
function installShutdown ({ log, drain, cut, end }: Running, bannerPrinted: Promise<void>): void {
  onSignal = async signal => {
    onSignal = async second => {
      process.exitCode ??= 128 + constants.signals[second]
      await end()
      process.exit()
    }
    log.info({ signal }, 'stopping')
    try {
      await drain()
      await bannerPrinted
    } finally {
      await exit()
    }
  }
  process.on('uncaughtException', error => {
    log.fatal(error, 'uncaught exception')
    process.exitCode = 1
    void Promise.race([cut(), sleep(CUT_MS)]).finally(exit)
  })
}

/** Ends the process, and loses no line of the log. */
async function exit (): Promise<void> {
  const { flushLog } = await import('./telemetry/logger.ts')
  await flushLog()
  process.exit()
}

async function printBanner ({ port, surveyModels }: Running, settings: Settings): Promise<void> {
  if (!process.stdout.isTTY && !commandLine.demo) return
  const baseUrl = `${toLocalUrl({ host: settings.host, port })}/v1`
  const apiKey = settings.apiKeys[0]?.key
  const server: ServerInfo = {
    version,
    baseUrl,
    upstream: settings.upstream,
    access: settings.authMode === 'passthrough' ? 'tokens' : settings.apiKeys.length > 0 ? 'keys' : 'open',
    keyCount: settings.apiKeys.length,
    models: settings.authMode === 'passthrough' ? {} : await Promise.race([surveyModels(), sleep(SURVEY_MS, {}, { ref: false })]),
    model: Object.keys(settings.modelAliases)[0] ?? exampleModel
  }
  // Through the log's own hands, so that "listening" comes first.
  const { holdLog, writeBesideLog: write } = await import('./telemetry/logger.ts')
  write(toBanner(server))
  if (commandLine.demo) {
    const releaseLog = holdLog()
    await demonstrate(server, apiKey, write)
    releaseLog()
  }
  write(`\n${toCurl(server)}\n`)
  if (commandLine.demo) write(`${toSdkLines(server)}\n`)
  write(`\n${toNextStep(server)}\n\nPress Ctrl-C to stop.\n`)
}

/** A demo that fails says so, and the proxy keeps running. */
async function demonstrate ({ baseUrl, model }: ServerInfo, apiKey: string | undefined, write: (text: string) => void): Promise<void> {
  try {
    await showChat({ baseUrl, model, write, ...(apiKey !== undefined && { apiKey }) })
  } catch (error) {
    process.stderr.write(`\nThe demo chat failed: ${error instanceof Error ? error.message : error}\n`)
  }
}

function fail (message: string, exitCode: number): void {
  process.stderr.write(`${message}\n`)
  process.exitCode = exitCode
}

function toCode (error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
