import type { Change } from './change.ts'

/**
 * Reports the members of an object that are not read: clients send back members of other servers' answers, and members for
 * servers with more features. Members without meaning are not reported.
 * @param known the members that are read
 * @param path of the object in the caller's request
 */
export function reportUnread (value: object, known: ReadonlySet<string>, path: string, changes: Change[]): void {
  for (const [name, member] of Object.entries(value)) {
    if (known.has(name) || isNothing(member)) continue
    changes.push({ param: `${path}.${name}`, action: 'dropped', from: member, reason: 'Workers AI has no equivalent' })
  }
}

function isNothing (value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === false) return true
  // `Object.keys` would take seconds for the millions of items a list may have.
  return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0
}
