// Prints the size of the image by layer, how long it takes from `docker run` to the first answer, and its idle memory.
import { execFileSync } from 'node:child_process'
import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const RUNS = 5
const IDLE_MS = 5_000

const image = process.env.IMAGE ?? 'workers-ai-proxy:test'
const baseName = JSON.parse(docker('image', 'inspect', image))[0].Config.Labels['org.opencontainers.image.base.name']
const sizes = [image, baseName].map(name => JSON.parse(docker('image', 'inspect', name))[0].Size)

console.log(`size        ${toMegabytes(sizes[0])}, ${toMegabytes(sizes[0] - sizes[1])} above ${baseName}`)
for (const { size, what } of layersOf(image).slice(0, -layersOf(baseName).length)) {
  if (size > 0) console.log(`  ${toMegabytes(size).padStart(9)}  ${what}`)
}

const starts = []
for (let run = 0; run < RUNS; run += 1) {
  const began = performance.now()
  const id = start()
  const url = `http://${docker('port', id, '8686')}/health`
  while (!await answers(url)) await sleep(5)
  starts.push(Math.round(performance.now() - began))
  if (run === RUNS - 1) {
    await sleep(IDLE_MS)
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(docker('exec', id, 'cat', '/proc/1/status'))
    console.log(`idle memory ${toMegabytes(Number(kilobytes) * 1024)} resident, ${docker('stats', '--no-stream', '--format', '{{.MemUsage}}', id).split(' ')[0]} charged to the container`)
  }
  docker('rm', '--force', id)
}
starts.sort((one, other) => one - other)
console.log(`cold start  ${starts[0]} ms at best, ${starts[Math.floor(RUNS / 2)]} ms in the middle of ${RUNS}, from \`docker run\` to the first answer`)

/** The newest first. */
function layersOf (name) {
  return docker('history', '--no-trunc', '--human=false', '--format', '{{.Size}} {{.CreatedBy}}', name).split('\n').map(line => {
    const [size, ...words] = line.split(/\s+/)
    return { size: Number(size), what: words.join(' ') }
  })
}

function start () {
  return docker('run', '--detach', '--publish', '127.0.0.1::8686', '--read-only', '--cap-drop', 'ALL', '--env', 'UPSTREAM=simulator', '--env', 'ALLOW_UNAUTHENTICATED=true', image)
}

// A connection of its own for each: fetch would keep one that Docker's proxy has already closed.
function answers (url) {
  return new Promise(resolve => {
    get(url, { agent: false }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => resolve(false))
  })
}

function docker (...argv) {
  return execFileSync('docker', argv, { encoding: 'utf8', timeout: 60_000 }).trim()
}

function toMegabytes (bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
