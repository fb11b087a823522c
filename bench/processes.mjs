/** Processes of the benchmark: where they run, what they cost, and that none of them outlives it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** What the kernel counts in, on every Linux: USER_HZ. */
const MS_PER_TICK = 10

const cores = availableParallelism()
const canPin = cores > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** Servers alone on the first core; load, upstream and the rest elsewhere. */
const CORES = { server: '0', others: cores === 2 ? '1' : `1-${cores - 1}` }

/** How processes are pinned, in words. */
export const PINNING = canPin ? `servers on core ${CORES.server}, load and upstream on core ${CORES.others}` : 'no process pinned (one core, or no taskset)'

let isPinning = false

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/** Has servers keep to their core from now on, and everything else, this process included, off it. */
export function pinProcesses () {
  isPinning = canPin
  if (isPinning) spawnSync('taskset', ['-a', '-p', '-c', CORES.others, String(process.pid)])
}

/**
 * Starts a program; it is killed when the benchmark ends, however it does.
 * @param {string[]} command the file and its arguments
 * @param {{ on: keyof typeof CORES } & import('node:child_process').SpawnOptions} options
 */
export function start (command, { on, ...options }) {
  const [file = '', ...args] = isPinning ? ['taskset', '-c', CORES[on], ...command] : command
  const child = spawn(file, args, options)
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/**
 * Ends a process and waits until it is gone.
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} [signal]
 */
export async function stop (child, signal = 'SIGKILL') {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

/** Kills every process started here, by its id. */
export function killAll () {
  for (const child of running) child.kill('SIGKILL')
}

/**
 * CPU a process, its threads and those it has started have used, in milliseconds, user and system together; grains of 10 ms.
 * @param {number} pid
 */
export function cpuMs (pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return [pid, ...children].reduce((sum, one) => sum + ownCpuMs(one), 0)
}

/** @param {number} pid */
function ownCpuMs (pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces; utime and stime are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK
}

/**
 * Resident memory of a process, in MB.
 * @param {number} pid
 */
export function rssMb (pid) {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
