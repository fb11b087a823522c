/** The time processors have worked for this process, in milliseconds. What else the machine does lengthens it less than the time of a clock. */
export function cpuTime (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
