import cluster from 'node:cluster'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { AT_ONCE, drain } from './drain.ts'
import { StartError } from '../errors.ts'
import type { ModelSurvey } from '../inference/model-survey.ts'
import type { Settings } from '../settings/schema.ts'
import { SettingsError } from '../settings/problem.ts'

/** The first thing the primary tells a worker: who it is, and how it serves. */
export interface Assignment {
  /** From 1; whoever takes the place of one that ended has its number. */
  worker: number
  settings: Settings
}

/** What the primary tells it later: to say which models there are, to let answers end, to cut them, or to end at once. */
export type PrimaryCommand = 'survey' | 'drain' | 'cut' | 'end'

type DrainTimes = Parameters<typeof drain>[1]

/** What a worker tells the primary: that it listens to it, where it serves, which models there are, why it cannot, that it will not much longer. */
export type WorkerMessage = 'ready' | { port: number } | { models: ModelSurvey } | { refusal: string } | 'draining'

/**
 * Serves as one of several processes, until the primary says or is gone. Does not resolve before it serves; the process
 * ends when it serves no more.
 * @param open makes an app of the settings, and has it listen
 */
export async function work (open: (settings: Settings, listenText: string) => Promise<FastifyInstance>): Promise<void> {
  // The primary hears them for all: a terminal's Ctrl-C comes to every process.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})
  let leave = (_times?: DrainTimes): void => process.exit()
  let survey = (): void => {}
  const { worker, settings } = await new Promise<Assignment>(resolve => {
    process.on('message', (message: Assignment | PrimaryCommand) => {
      if (message === 'survey') survey()
      else if (message === 'drain') leave()
      else if (message === 'cut') leave(AT_ONCE)
      else if (message === 'end') process.exit()
      else resolve(message)
    })
    // Node keeps no message for those who do not listen yet.
    send('ready')
  })

  const app = await openOrReport(() => open(settings, `worker ${worker} is ready`))
  if (app === undefined) return
  let isLeaving = false
  leave = (times = settings) => {
    if (isLeaving) return
    isLeaving = true
    void drain(app, times).finally(() => process.exit())
  }
  // Load balancers need not hear of it: the other workers take what is new, or nobody does.
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

/** What the settings are to blame for is told to the primary, which ends the process. */
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
