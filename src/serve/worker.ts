import cluster from 'node:cluster'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { AT_ONCE, drain } from './drain.ts'
import { StartError } from '../errors.ts'
import type { ModelSurvey } from '../inference/model-survey.ts'
import type { Settings } from '../settings/schema.ts'
import { SettingsError } from '../settings/problem.ts'
import { flushLog } from '../telemetry/logger.ts'
import type { PrimaryLink } from '../telemetry/primary-link.ts'
import { WorkerEnd, type LinkMessage } from './links.ts'

/** The first message of the primary to a worker. */
export interface Assignment {
  /** From 1. A restarted worker keeps the number. */
  worker: number
  settings: Settings
}

/** Report the models, let answers end, end answers with an error, or exit. */
export type PrimaryCommand = 'survey' | 'drain' | 'cut' | 'end'

type DrainTimes = Parameters<typeof drain>[1]

/** Ready for the assignment, listening port, models, start-up failure, or about to exit. */
export type WorkerMessage = 'ready' | { port: number } | { models: ModelSurvey } | { refusal: string } | 'draining' | LinkMessage

/**
 * Serves as one of several processes until the primary says so or exits. Resolves when it serves. The process exits when
 * it has stopped.
 * @param open makes an app of the settings, and has it listen
 */
export async function work (open: (settings: Settings, listenText: string, link: PrimaryLink) => Promise<FastifyInstance>): Promise<void> {
  const link = new WorkerEnd(send)
  // A terminal sends Ctrl-C to every process; the primary handles it for all.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})
  let leave = (_times?: DrainTimes): void => process.exit()
  let survey = (): void => {}
  const { worker, settings } = await new Promise<Assignment>(resolve => {
    process.on('message', (message: Assignment | PrimaryCommand | LinkMessage) => {
      if (message === 'survey') survey()
      else if (message === 'drain') leave()
      else if (message === 'cut') leave(AT_ONCE)
      else if (message === 'end') process.exit()
      else if ('link' in message) link.receive(message)
      else resolve(message)
    })
    // Node drops messages that arrive before there is a listener.
    send('ready')
  })

  const app = await openOrReport(() => open(settings, `worker ${worker} is ready`, link))
  if (app === undefined) return
  let isLeaving = false
  leave = (times = settings) => {
    if (isLeaving) return
    isLeaving = true
    void drain(app, times).finally(flushLog).finally(() => process.exit())
  }
  // No delay for load balancers: the other workers accept new connections, or none does.
  const undelayed = { ...settings, drainDelayMs: 0 }
  cluster.worker?.once('disconnect', () => {
    if (cluster.worker) cluster.worker.exitedAfterDisconnect = true // else Node would end the process now
    app.log.warn('the primary process has exited; stopping')
    leave(undelayed)
  })
  process.on('uncaughtException', error => {
    app.log.fatal(error, 'uncaught exception')
    process.exitCode = 1
    send('draining')
    leave(undelayed)
  })
  survey = () => { app.surveyModels().then(models => send({ models }), () => send({ models: {} })) }
  send({ port: (app.server.address() as AddressInfo).port })
}

/** Reports an error of the settings to the primary, which then kills this process. */
async function openOrReport (open: () => Promise<FastifyInstance>): Promise<FastifyInstance | undefined> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof StartError || error instanceof SettingsError)) throw error
    send({ refusal: error.message })
    return undefined
  }
}

function send (message: WorkerMessage): void {
  if (process.connected) process.send?.(message)
}
