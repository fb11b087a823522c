/** What AI Gateway is asked for with each run. It goes by its own settings in what is absent. */
export interface GatewayOptions {
  /** How long it keeps answers; 0 skips its cache. */
  cacheTtlSeconds?: number
  /** Whether it logs prompts and answers. */
  logPayload?: boolean
  /** Labels of its log, at most five. `{key}` and `{route}` in a text stand for those of the request. */
  metadata?: Record<string, string | number | boolean>
  /** Zero data retention. */
  zdr?: boolean
}

/** Where a request came in. Both are names from the configuration or the program, never a client's. */
export interface RequestOrigin {
  /** What its key goes by in figures. */
  readonly keyLabel: string
  /** The pattern of its route. */
  readonly route: string
  /** Which of several accounts was asked for it last; who chooses one notes it here. */
  account?: string
}

const PLACEHOLDERS = /\{(key|route)\}/g

/** A run that no request led to. */
const NOWHERE: RequestOrigin = { keyLabel: 'none', route: 'unknown' }

/**
 * The headers that tell AI Gateway what to do, by its header glossary: names and values in turns. It makes one attempt: this
 * program retries, and the retries of both would multiply.
 */
export function toGatewayHeaders ({ cacheTtlSeconds, logPayload, zdr }: GatewayOptions): string[] {
  const headers = ['cf-aig-max-attempts', '1']
  if (cacheTtlSeconds === 0) headers.push('cf-aig-skip-cache', 'true')
  else if (cacheTtlSeconds !== undefined) headers.push('cf-aig-cache-ttl', String(cacheTtlSeconds))
  if (logPayload !== undefined) headers.push('cf-aig-collect-log-payload', String(logPayload))
  if (zdr !== undefined) headers.push('cf-aig-zdr', String(zdr))
  return headers
}

/**
 * Makes the value of `cf-aig-metadata`: JSON in ASCII.
 * @returns undefined where there are no labels
 */
export function toMetadataHeader ({ metadata }: GatewayOptions): ((origin?: RequestOrigin) => string) | undefined {
  if (metadata === undefined) return undefined
  const fixed = toAsciiJson(metadata)
  if (fixed.search(PLACEHOLDERS) === -1) return () => fixed
  return ({ keyLabel, route } = NOWHERE) => {
    const fill = (value: string | number | boolean) => typeof value === 'string' ? value.replaceAll(PLACEHOLDERS, (_, name) => name === 'key' ? keyLabel : route) : value
    return toAsciiJson(Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, fill(value)])))
  }
}

/** Headers take no other characters. */
function toAsciiJson (value: object): string {
  return JSON.stringify(value).replaceAll(/[^\x20-\x7e]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
