import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProxyError } from '../../errors.ts'
import { isLoopback } from '../../settings/address.ts'
import type { Settings } from '../../settings/schema.ts'
import { incorrectKey, keyOf, missingKey, toKeyRing } from './auth.ts'

/** Whose figures a request may be shown. */
export interface Viewer {
  /** The `keyLabel` of the one key whose figures may be shown; undefined where those of everybody may. */
  readonly onlyKey: string | undefined
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The route shows figures: those of every key (`all`), or to the holder of a key its own (`own`). Whoever may see all may
     * see both. Its handler finds out by `request.viewer`.
     */
    figuresOf?: 'all' | 'own'
  }
  interface FastifyInstance {
    /** Whether a request is from somebody who may see the figures of all, whatever its route. */
    maySeeAll: (request: FastifyRequest) => boolean
  }
  interface FastifyRequest {
    /** On routes with `figuresOf`: whose figures may be shown. */
    viewer: Viewer | undefined
  }
}

const EVERYBODY: Viewer = { onlyKey: undefined }

type AccessSettings = Pick<Settings, 'adminKeys' | 'apiKeys' | 'authMode' | 'host'>

/**
 * Guards each route with `figuresOf` that is added after this call. A key of ADMIN_KEYS opens all of them. Where there is none,
 * everybody may see all on a loopback address without keys, and nobody may anywhere else. The holder of one of API_KEYS sees its
 * own. The rules for keys of models do not hold for these routes.
 * @throws ProxyError from the hook: 401 without a key or with a wrong one, 403 where the key is none of an administrator
 */
export function guardFigures (app: FastifyInstance, settings: AccessSettings): void {
  const toViewer = newGuard(settings)
  app.decorate('maySeeAll', toSeesAll(settings))
  app.decorateRequest('viewer', undefined)
  app.addHook('onRoute', route => {
    const figuresOf = route.config?.figuresOf
    if (figuresOf === undefined) return
    const guard = (request: FastifyRequest, _reply: unknown, done: (error?: Error) => void) => {
      const viewer = toViewer(request, figuresOf)
      if (viewer instanceof ProxyError) return done(viewer)
      request.viewer = viewer
      done()
    }
    route.onRequest = [route.onRequest ?? [], guard].flat()
  })
}

/** Whether there is anybody who may see the figures of all. */
export function mayAnybodySeeAll (settings: AccessSettings): boolean {
  return settings.adminKeys.length > 0 || isOpenToEverybody(settings)
}

function isOpenToEverybody ({ adminKeys, apiKeys, authMode, host }: AccessSettings): boolean {
  return adminKeys.length === 0 && apiKeys.length === 0 && authMode !== 'passthrough' && isLoopback(host)
}

function newGuard (settings: AccessSettings): (request: FastifyRequest, figuresOf: 'all' | 'own') => Viewer | ProxyError {
  const { adminKeys, apiKeys } = settings
  const admins = toKeyRing(adminKeys)
  const callers = toKeyRing(apiKeys)
  const hasAdmins = adminKeys.length > 0
  const isOpen = isOpenToEverybody(settings)
  const isKeyWanted = hasAdmins || apiKeys.length > 0 || settings.authMode === 'passthrough'
  const isUnnamedAmbiguous = apiKeys.filter(({ name }) => name === undefined).length > 1
  return (request, figuresOf) => {
    if (isOpen) return EVERYBODY
    const key = keyOf(request)
    const admin = key === undefined ? undefined : admins(key)
    if (admin !== undefined) {
      noteKey(request, admin.name)
      return EVERYBODY
    }
    const caller = key === undefined ? undefined : callers(key)
    if (caller !== undefined) noteKey(request, caller.name)
    if (figuresOf === 'own' && caller !== undefined) {
      return caller.name === undefined && isUnnamedAmbiguous ? forbidden(UNNAMED) : { onlyKey: request.record.keyLabel }
    }
    if (caller !== undefined) return forbidden(hasAdmins ? NOT_ADMIN : NO_ADMIN_KEYS)
    if (key === undefined && isKeyWanted) return missingKey()
    return hasAdmins || apiKeys.length > 0 ? incorrectKey() : forbidden(NO_ADMIN_KEYS)
  }
}

function toSeesAll (settings: AccessSettings): (request: FastifyRequest) => boolean {
  const admins = toKeyRing(settings.adminKeys)
  const isOpen = isOpenToEverybody(settings)
  return request => {
    const key = isOpen ? undefined : keyOf(request)
    return isOpen || (key !== undefined && admins(key) !== undefined)
  }
}

function noteKey ({ record }: FastifyRequest, name: string | undefined): void {
  if (name !== undefined) record.key = name
  record.keyLabel = name ?? 'unnamed'
}

const NO_ADMIN_KEYS = 'This shows what every key did, so it needs a key of ADMIN_KEYS, and this proxy has none. Whoever runs it can set ADMIN_KEYS; METRICS_PUBLIC=true opens /metrics without a key.'
const NOT_ADMIN = 'This shows what every key did, so it needs a key of ADMIN_KEYS. The key you sent is for models.'
const UNNAMED = 'Several keys of this proxy have no name, so their use is counted together and is shown to none of them. Whoever runs it can name yours: name:key in API_KEYS.'

function forbidden (message: string): ProxyError {
  return new ProxyError(message, { status: 403, type: 'permission_error', code: 'admin_key_required', headers: { 'x-should-retry': 'false' } })
}
