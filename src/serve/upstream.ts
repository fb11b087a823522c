import type { Settings } from '../settings/schema.ts'

export interface Upstream {
  /** The settings with the address, account and token of the upstream. */
  settings: Settings
  /** Stops the simulator, which must not be in use any more. */
  closeUpstream: () => Promise<void>
}

/** Starts the simulator if it is the upstream. */
export async function startUpstream (settings: Settings): Promise<Upstream> {
  if (settings.upstream === 'cloudflare') return { settings, closeUpstream: async () => {} }
  const { startSimulator } = await import('../simulator/server.ts')
  const simulator = await startSimulator({
    tokensPerSecond: settings.simulatorTokensPerSecond,
    retiredModels: settings.simulatorRetiredModels
  })
  const { gateway } = settings.cloudflare
  return {
    settings: {
      ...settings,
      cloudflare: {
        accountId: simulator.accountId,
        apiToken: simulator.apiToken,
        apiBaseUrl: simulator.url,
        ...(gateway && simulator.gatewayUrl && { gateway: { ...gateway, baseUrl: simulator.gatewayUrl } })
      }
    },
    closeUpstream: () => simulator.close()
  }
}
