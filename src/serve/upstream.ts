import type { Settings } from '../settings/schema.ts'

export interface Upstream {
  /** The settings with the address, account and token of whoever answers. */
  settings: Settings
  /** Ends what was started; nobody must be using it any more. */
  closeUpstream: () => Promise<void>
}

/** Starts the simulator where it is to answer in place of Cloudflare; else there is nothing to start. */
export async function startUpstream (settings: Settings): Promise<Upstream> {
  if (settings.upstream === 'cloudflare') return { settings, closeUpstream: async () => {} }
  const { startSimulator } = await import('../simulator/server.ts')
  const simulator = await startSimulator({ tokensPerSecond: settings.simulatorTokensPerSecond, retiredModels: settings.simulatorRetiredModels })
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
