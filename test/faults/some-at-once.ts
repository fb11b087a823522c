/** Works on all items, no more than so many at once: one process is proxy, upstream and client in these tests. */
export async function someAtOnce<T> (atOnce: number, items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const left = items.entries()
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (const [index, item] of left) await work(item, index)
  }))
}
