import { readFileSync } from 'node:fs'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { buildApp as buildProxy } from './app.ts'
import type { Settings } from './settings/schema.ts'
import { readSettings as readAllSettings } from './settings/reader.ts'
import { startUpstream } from './serve/upstream.ts'
import type { PrimaryLink } from './telemetry/primary-link.ts'

// What other programs get when they import the package. Whatever is not exported here may change at any time.
export type { Settings }

/**
 * Reads the settings by their environment names, `NAME_FILE` and `CONFIG_FILE` included; what is not named has its
 * default. `process.env` is read unless something else is given, and no `.env`.
 * @throws an Error named SettingsError whose message has a line for each problem
 */
export function readSettings (environment: Readonly<Record<string, string | undefined>> = process.env): Settings {
  return readAllSettings({ env: environment, readFile: path => readFileSync(path, 'utf8') }).settings
}

/**
 * The proxy as a Fastify instance that does not listen yet: let it, or hand requests of a server of your own to its
 * `routing`. Where the settings want the simulator, it is started. Closing the instance closes all that it opened.
 * @param logger where lines go; pino to standard output by default
 * @param link is the program's own, between its processes
 * @throws an Error named SettingsError when the store of responses cannot be opened
 */
export async function buildApp (
  wanted: Settings,
  { logger }: { logger?: FastifyBaseLogger } = {},
  link?: PrimaryLink
): Promise<FastifyInstance> {
  const { settings, closeUpstream } = await startUpstream(wanted)
  try {
    const app = await buildProxy(settings, { ...(logger && { logger }), link })
    app.addHook('onClose', closeUpstream)
    return app
  } catch (error) {
    await closeUpstream()
    throw error
  }
}
