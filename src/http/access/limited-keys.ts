import type { FastifyRequest } from 'fastify'
import { EVERY_OTHER_KEY, type KeyLimits } from '../../settings/key-limits.ts'
import type { Settings } from '../../settings/schema.ts'
import type { LimitedKey } from '../../stores/limits/limits.ts'
import { toKeyId } from './auth.ts'

type KeySettings = Pick<Settings, 'keyLimits' | 'apiKeys' | 'authMode'>

/** What the callers of a server without keys go by in figures. */
const KEYLESS = 'none'

/** No name begins with it. */
const NAMELESS = '#'

/** The key of a request, where it has limits. Keys of one name share them. */
export function toLimitedKey (request: FastifyRequest, keyLimits: Settings['keyLimits']): LimitedKey | undefined {
  const { key: name } = request.record
  const limits = limitsOf(name, keyLimits)
  return limits && { id: name ?? NAMELESS + toKeyId(request), limits }
}

/** The keys with limits that figures know apart, by what they go by there: not those without a name. */
export function toNamedKeys ({ keyLimits, apiKeys, authMode }: KeySettings): Map<string, LimitedKey> {
  const isKeyless = apiKeys.length === 0 && authMode !== 'passthrough'
  const names = isKeyless ? [undefined] : apiKeys.flatMap(({ name }) => name ?? [])
  return new Map(names.flatMap(name => {
    const limits = limitsOf(name, keyLimits)
    return limits === undefined ? [] : [[name ?? KEYLESS, { id: name ?? NAMELESS, limits }]]
  }))
}

function limitsOf (name: string | undefined, keyLimits: Settings['keyLimits']): KeyLimits | undefined {
  return name !== undefined && Object.hasOwn(keyLimits, name) ? keyLimits[name] : keyLimits[EVERY_OTHER_KEY]
}
