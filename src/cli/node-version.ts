/**
 * The error message for a version of Node that is too old; undefined when it is new enough.
 * @param wanted as `engines` in package.json says it, e.g. `>=20.18.1`
 */
export function toVersionComplaint (version: string, wanted: string): string | undefined {
  const oldest = wanted.replace('>=', '')
  if (oldest.localeCompare(version, 'en', { numeric: true }) <= 0) return undefined
  return `workers-ai-proxy needs Node ${oldest} or newer, but this is Node ${version}. Download a newer version from https://nodejs.org.`
}
