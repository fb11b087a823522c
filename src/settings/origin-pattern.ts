import { isIP } from 'node:net'

/** A pattern of origins, parsed. */
interface OriginPattern {
  scheme: string
  /** Undefined for any. In the web's schemes as a browser writes it: small, in ASCII, with its port unless that is the usual one. */
  host: string | undefined
  /** The names below the host are meant, not the host. */
  isBelow: boolean
  isAnyPort: boolean
}

const LOCAL = new Set(['localhost', 'local', 'internal'])

/**
 * What `@fastify/cors` compares an `Origin` with, for an entry of CORS_ORIGINS; undefined for one that could never match,
 * or whose `*` is none of these: alone for every origin, in place of a host (`app://*`), before a dot for one or more
 * labels of its name (`https://*.example.com`), at the end for a port, or none (`http://localhost:*`, `app://obsidian.md*`).
 */
export function toOriginRule (text: string): string | RegExp | undefined {
  if (text === '*') return text
  const pattern = readPattern(text)
  if (pattern === undefined) return undefined
  const { scheme, host, isBelow, isAnyPort } = pattern
  if (host !== undefined && !isBelow && !isAnyPort) return `${scheme}://${host}`
  const names = host === undefined ? '[^/]*' : `${isBelow ? '(?:[a-z0-9_-]+\\.)+' : ''}${literally(host)}`
  return new RegExp(`^${literally(scheme)}://${names}${isAnyPort ? '(?::\\d+)?' : ''}$`)
}

/** Whether an entry of CORS_ORIGINS admits the pages of every web site: `*`, `https://*`, or a top-level domain such as `https://*.com`. */
export function matchesEverySite (text: string): boolean {
  if (text === '*') return true
  const pattern = readPattern(text)
  if (pattern === undefined || !isWeb(pattern.scheme)) return false
  return pattern.host === undefined || (pattern.isBelow && !/\..|:/.test(pattern.host) && !LOCAL.has(pattern.host))
}

function readPattern (text: string): OriginPattern | undefined {
  const [, anyCase = '', rest] = /^([a-z][a-z0-9+.-]*):\/\/(.+)$/i.exec(text) ?? []
  if (rest === undefined) return undefined
  const scheme = anyCase.toLowerCase()
  if (rest === '*') return { scheme, host: undefined, isBelow: false, isAnyPort: false }
  const [, below, name, port = '', star] = /^(\*\.)?(\[[\da-f:.]+\]|[^\s/?#@\\*:[\]]+)(?::(\d+)|(:\*|(?<![.-])\*))?$/i.exec(rest) ?? []
  if (name === undefined) return undefined
  const host = isWeb(scheme) ? toWebHost(scheme, port === '' ? name : `${name}:${port}`) : port === '' ? name : `${name}:${port}`
  const isBelow = below !== undefined
  // An IP address has no subdomains.
  if (host === undefined || (isBelow && (host.startsWith('[') || isIP(host) !== 0))) return undefined
  return { scheme, host, isBelow, isAnyPort: star !== undefined }
}

function isWeb (scheme: string): boolean {
  return scheme === 'http' || scheme === 'https'
}

function toWebHost (scheme: string, host: string): string | undefined {
  const url = `${scheme}://${host}`
  return URL.canParse(url) ? new URL(url).host : undefined
}

function literally (text: string): string {
  return text.replaceAll(/[^\w]/g, '\\$&')
}
