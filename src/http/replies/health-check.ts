/** Paths machines ask that watch over the server. */
const PATHS = ['/health', '/livez', '/readyz']

/** Whether a route is one of them: open to all, never shed, not logged. */
export function isHealthCheck (url: string | undefined): boolean {
  return url !== undefined && PATHS.includes(url)
}
