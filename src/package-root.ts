import { readFileSync } from 'node:fs'

interface PackageRoot {
  /** Undefined where the package's file is not found. */
  folder: URL | undefined
  version: string
}

/** Where this package is, and its version: its `package.json` is above this file, however the program was built. */
export function findPackageRoot (): PackageRoot {
  for (let folder = new URL('./', import.meta.url), last = ''; folder.href !== last; folder = new URL('../', folder)) {
    last = folder.href
    try {
      const { name, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { name?: string, version?: string }
      if (name === 'workers-ai-proxy' && version !== undefined) return { folder, version }
    } catch {}
  }
  return { folder: undefined, version: 'unknown' }
}
