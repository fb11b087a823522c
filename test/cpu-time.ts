/** The time processors have worked for this process, in milliseconds. What else the machine does lengthens it less than the time of a clock. */
export function cpuTime (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** How many times longer work takes here just now than the processor is at it, because others have their turn; 1 on a machine that does nothing else. */
export function slowness (): number {
  const [beganAt, before] = [performance.now(), cpuTime()]
  while (cpuTime() - before < 30);
  return Math.max(1, (performance.now() - beganAt) / (cpuTime() - before))
}
