/** Where an agent works, inside its network namespace: starts the proxy, lets the agent loose and judges what it did. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** One model of each kind: classic, with `guided_json`, and one that speaks as OpenAI's do. */
const MODELS = ['@cf/meta/llama-3.3-70b-instruct-fp8-fast', '@cf/mistralai/mistral-small-3.1-24b-instruct', '@cf/zai-org/glm-4.7-flash']
const SECRET = 'The secret word is heron.'
const TIMEOUT_MS = 180_000

const [name = '', folder = ''] = process.argv.slice(2)
const { agent } = await import(`./${name}.mjs`)
const { baseURL, requests, stop } = await startProxy()
try {
  for (const model of agent.models ?? MODELS) {
    const problems = await work(model)
    console.log(problems.length === 0 ? `PASSED: ${name} on ${model}\n` : `FAILED: ${name} on ${model}: ${problems.join('; ')}\n`)
    if (problems.length > 0) process.exitCode = 1
  }
} finally {
  stop()
}

/** Has the agent read a file by its tool, tells what it did, and returns what was wrong with it. */
async function work (model) {
  const place = mkdtempSync(join(tmpdir(), `${name}-`))
  const home = join(place, 'home')
  for (const [path, content] of Object.entries({ 'home/.keep': '', 'work/notes.txt': `${SECRET}\n`, ...agent.files({ baseURL, model }) })) {
    mkdirSync(join(place, path, '..'), { recursive: true })
    writeFileSync(join(place, path), content)
  }
  const asked = requests().length
  const commands = [agent.command({ baseURL, folder, home, model, question: agent.question }), ...(agent.followUp ? [agent.followUp({ baseURL, folder, home, model })] : [])]
  console.log(`-- ${model}\nuser: ${agent.question}`)
  const steps = []
  const problems = []
  for (const { file, args, env, input } of commands) {
    // none of the caller's environment: an agent takes keys and addresses from it
    const child = spawn(file, args, { cwd: join(place, 'work'), env: { PATH: process.env['PATH'], HOME: home, ...env }, timeout: TIMEOUT_MS })
    child.stdin.end(input)
    const [output, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    steps.push(...agent.toSteps?.(output) ?? output.split('\n').filter(line => line.startsWith('{')).flatMap(line => agent.toStep(JSON.parse(line)) ?? []))
    if (code !== 0) problems.push(`it ended with ${code}: ${complaints.trim()}`)
  }
  for (const step of steps) {
    for (const [kind, words] of Object.entries(step)) console.log(`${kind}: ${words.trim()}`)
  }
  const calls = requests().slice(asked)
  for (const { method, route, status, finishReason, promptTokens, changes } of calls) console.log(`proxy: ${method} ${route} → ${status} ${finishReason ?? ''}, ${promptTokens} tokens asked; changes: ${changes ?? 'none'}`)
  rmSync(place, { recursive: true, force: true })

  return [
    ...problems,
    // One that does not show its tools has the word from the file all the same: it was not asked with it.
    ...(agent.showsTools === false || steps.some(({ tool }) => tool?.includes(SECRET)) ? [] : ['its tool did not read the file']),
    ...(steps.some(({ answer }) => answer?.includes(SECRET)) ? [] : ['it did not answer with what it read']),
    ...(agent.farewell === undefined || steps.some(({ answer }) => answer?.includes(agent.farewell)) ? [] : ['it did not go on']),
    ...(agent.changes ?? []).filter(pattern => !calls.some(({ changes }) => pattern.test(changes))).map(pattern => `the proxy never told ${pattern}`),
    // A WebSocket is tried once, and there is none.
    ...(calls.length > 1 && calls.every(({ method, status }) => status === 200 || (method === 'GET' && status === 426)) ? [] : ['not every request was served'])
  ]
}

async function startProxy () {
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
  const child = spawn(process.execPath, [main, '--port', '0', '--upstream', 'simulator', '--simulator-tokens-per-second', '0'], { cwd: tmpdir(), env: {}, stdio: ['ignore', 'pipe', 'inherit'] })
  let log = ''
  child.stdout.setEncoding('utf8').on('data', piece => { log += piece })
  for (;;) {
    const [, url] = /"msg":"listening at (http:[^"]+)"/.exec(log) ?? []
    if (url !== undefined) return { baseURL: `${url}/v1`, requests: () => requestsOf(log), stop: () => child.kill() }
    if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}: ${log}`)
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
  }
}

function requestsOf (log) {
  return log.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
}
