/**
 * The name somebody most likely meant: one that differs by a slip of the fingers, else the shortest that begins with what
 * was written, else the shortest that has it among its words.
 * @param names in kebab case
 * @returns undefined when none is near
 */
export function nearestName (written: string, names: Iterable<string>): string | undefined {
  const asked = written.toLowerCase()
  const candidates = [...names].sort((one, other) => one.length - other.length)
  const slips = candidates
    .map(name => ({ name, distance: distanceBetween(asked, name) }))
    .sort((one, other) => one.distance - other.distance)
  const [nearest] = slips
  if (nearest !== undefined && nearest.distance <= Math.max(1, Math.floor(Math.min(asked.length, nearest.name.length) / 4))) {
    return nearest.name
  }
  if (asked === '') return undefined
  return candidates.find(name => name.startsWith(asked)) ?? candidates.find(name => `-${name}-`.includes(`-${asked}-`))
}

/** Fewest characters of a name that may differ by two edits; a shorter name may differ by one. */
const MIN_LENGTH_FOR_TWO_EDITS = 12

/**
 * The name that differs from the written one by a typing error: one edit, or two in a long name. Stricter than
 * `nearestName`, because most variables belong to other programs.
 * @returns undefined when there is none, or when the written text is one of the names
 */
export function closestSpelling (written: string, names: Iterable<string>): string | undefined {
  const maxDistance = written.length >= MIN_LENGTH_FOR_TWO_EDITS ? 2 : 1
  return [...names].find(name => Math.abs(name.length - written.length) <= maxDistance && distanceBetween(written, name) <= maxDistance)
}

/** Letters to add, leave out, replace or swap with their neighbour (optimal string alignment). */
function distanceBetween (one: string, other: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1]
      const isSwapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
      current.push(Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (beforeLast[column - 2] ?? 0) + 1 : Infinity
      ))
    }
    beforeLast = last
    last = current
  }
  return last[other.length] ?? 0
}
