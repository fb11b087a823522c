import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { findPackageRoot } from '../../package-root.ts'

/** How a body may be sent, best first, with the ending of the file that the build wrote for it. */
const CODINGS = { br: '.br', gzip: '.gz' } as const
export type PageCoding = keyof typeof CODINGS | 'identity'

export interface PageFile {
  type: string
  /** Names the content; each coding of it has an ETag of its own. */
  digest: string
  /** The name changes with the content. */
  isImmutable: boolean
  bodies: Partial<Record<PageCoding, Buffer>> & { identity: Buffer }
}

/** The file that a browser is shown first. */
export const INDEX = 'index.html'

/** The names of all others have a hash of what is in them. */
const UNNAMED_BY_CONTENT = [INDEX, 'openapi.json']

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8'
}

/**
 * Reads what the build made of the page, with all its codings.
 * @returns the files by their names
 * @throws Error where the page was not built
 */
export async function readPageFiles (folder: URL = builtFolder('ui/')): Promise<ReadonlyMap<string, PageFile>> {
  const names = await readdir(folder)
  const files = names.filter(name => extname(name) in TYPES).map(async name => [name, await toPageFile(folder, name, names)] as const)
  return new Map(await Promise.all(files))
}

/**
 * Reads one file that the build made, with all its codings.
 * @throws Error where it was not built
 */
export async function readBuiltFile (name: string, folder: URL = builtFolder()): Promise<PageFile> {
  return toPageFile(folder, name, await readdir(folder))
}

function builtFolder (below = ''): URL {
  const { folder } = findPackageRoot()
  if (folder === undefined) throw new Error('The page is served from the package, and that is not there.')
  return new URL(`dist/${below}`, folder)
}

async function toPageFile (folder: URL, name: string, names: readonly string[]): Promise<PageFile> {
  const identity = await readFile(new URL(name, folder))
  const coded = Object.entries(CODINGS).filter(([, ending]) => names.includes(name + ending))
  const bodies = await Promise.all(coded.map(async ([coding, ending]) => [coding, await readFile(new URL(name + ending, folder))] as const))
  return {
    type: TYPES[extname(name)] ?? '',
    digest: hash('sha256', identity, 'base64url').slice(0, 22),
    isImmutable: !UNNAMED_BY_CONTENT.includes(name),
    bodies: { identity, ...Object.fromEntries(bodies) }
  }
}

/**
 * What is read when it is first wanted, and remembered. A read that failed is tried again.
 * @returns a function that reads it, or has it already
 */
export function remembered<Value> (read: () => Promise<Value>): () => Promise<Value> {
  let known: Promise<Value> | undefined
  return () => {
    known ??= read().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}

/** The best coding of a body that an `accept-encoding` takes, by RFC 9110 (12.5.3). */
export function chooseCoding ({ bodies }: Pick<PageFile, 'bodies'>, accepted: string | undefined): PageCoding {
  const taken = (accepted ?? '').toLowerCase().split(',').map(part => part.split(';').map(word => word.trim()))
    .filter(([, ...parameters]) => !parameters.some(parameter => /^q=0(?:\.0*)?$/.test(parameter)))
    .map(([coding]) => coding)
  const codings = Object.keys(CODINGS) as Array<keyof typeof CODINGS>
  return codings.find(coding => bodies[coding] !== undefined && taken.includes(coding)) ?? 'identity'
}
