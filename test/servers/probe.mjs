// Loaded into a built server before it starts: answers its parent's questions about it, and does harm when told to.
// A worker of it is told by a signal.
import cluster from 'node:cluster'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

const { execPath } = process

const deeds = {
  vitals () {
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    const resources = process.getActiveResourcesInfo()
    const vitals = {
      rss,
      heapUsed,
      peakRss: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1_024,
      descriptors: readdirSync('/proc/self/fd').length,
      sockets: resources.filter(name => name === 'TCPSocketWrap').length,
      timers: resources.filter(name => name === 'Timeout').length,
      maxDelayMs: Math.max(0, delay.max / 1e6 - 10)
    }
    delay.reset()
    writeFileSync('/proc/self/clear_refs', '5') // the peak begins anew
    return vitals
  },
  block (ms) {
    const end = Date.now() + ms
    while (Date.now() < end);
  },
  throw () {
    setImmediate(() => { throw new Error('a bug that a test made') })
  },
  reject () {
    Promise.reject(new Error('a rejection that a test made'))
  },
  /** From now on no process can be started, or with 0 they can be again. */
  forbidProcesses (isForbidden) {
    process.execPath = isForbidden ? '/nowhere/node' : execPath
  }
}

if (cluster.isWorker) {
  process.on('SIGUSR2', deeds.throw)
} else {
  process.on('message', ({ deed, argument }) => process.send({ answer: deeds[deed](argument) }))
  process.channel.unref()
}
