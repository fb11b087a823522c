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
  for (const scene of agent.scenes ?? []) {
    const problems = await play(scene)
    console.log(problems.length === 0 ? `PASSED: ${name} ${scene.name}\n` : `FAILED: ${name} ${scene.name}: ${problems.join('; ')}\n`)
    if (problems.length > 0) process.exitCode = 1
  }
} finally {
  stop()
}

/** Has the agent read a file by its tool, tells what it did, and returns what was wrong with it. */
async function work (model) {
  const place = makePlace(model)
  const commands = [agent.command({ ...place, question: agent.question }), ...(agent.followUp ? [agent.followUp(place)] : [])]
  console.log(`-- ${model}\nuser: ${agent.question}`)
  const { runs, steps, calls } = await run(commands, place)

  return [
    ...runs.filter(({ code }) => code !== 0).map(({ code, complaints }) => `it ended with ${code}: ${complaints}`),
    // One that does not show its tools has the word from the file all the same: it was not asked with it.
    ...(agent.showsTools === false || steps.some(({ tool }) => tool?.includes(SECRET)) ? [] : ['its tool did not read the file']),
    ...(steps.some(({ answer }) => answer?.includes(SECRET)) ? [] : ['it did not answer with what it read']),
    ...(agent.farewell === undefined || steps.some(({ answer }) => answer?.includes(agent.farewell)) ? [] : ['it did not go on']),
    ...(agent.changes ?? []).filter(pattern => !calls.some(({ changes }) => pattern.test(changes))).map(pattern => `the proxy never told ${pattern}`),
    // A WebSocket is tried once, and there is none.
    ...(calls.length > 1 && calls.every(({ method, status }) => status === 200 || (method === 'GET' && status === 426)) ? [] : ['not every request was served'])
  ]
}

/** One conversation of several questions, the last of which is what it is about. Returns what was wrong with it. */
async function play ({ name: what, questions, code: expected = 0, answer: pattern, judge }) {
  const place = makePlace((agent.models ?? MODELS).at(-1))
  console.log(`-- ${place.model}: ${what}\nuser: ${questions.join('\nuser: ')}`)
  const { runs, steps, calls } = await run(questions.map((question, index) => agent.command({ ...place, question, goesOn: index > 0 })), place)
  const last = runs.at(-1)

  return [
    ...(last.code === expected ? [] : [`it ended with ${last.code}: ${last.complaints}`]),
    ...(pattern.test(steps.findLast(({ answer }) => answer !== undefined)?.answer) ? [] : [`its last answer is not ${pattern}`]),
    ...judge({ steps, calls })
  ]
}

/** A home and a folder to work in, with what the agent wants to find there. */
function makePlace (model) {
  const place = mkdtempSync(join(tmpdir(), `${name}-`))
  for (const [path, content] of Object.entries({ 'home/.keep': '', 'work/notes.txt': `${SECRET}\n`, ...agent.files({ baseURL, model }) })) {
    mkdirSync(join(place, path, '..'), { recursive: true })
    writeFileSync(join(place, path), content)
  }
  return { baseURL, folder, model, place, home: join(place, 'home') }
}

/** Runs the agent, once for each command, and prints and returns what it did and what it asked of the proxy. */
async function run (commands, { place, home }) {
  const asked = requests().length
  const steps = []
  const runs = []
  for (const { file, args, env, input } of commands) {
    // none of the caller's environment: an agent takes keys and addresses from it
    const child = spawn(file, args, { cwd: join(place, 'work'), env: { PATH: process.env['PATH'], HOME: home, ...env }, timeout: TIMEOUT_MS })
    child.stdin.end(input)
    const [output, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    steps.push(...agent.toSteps?.(output) ?? output.split('\n').filter(line => line.startsWith('{')).flatMap(line => agent.toStep(JSON.parse(line)) ?? []))
    runs.push({ code, complaints: complaints.trim() })
  }
  for (const step of steps) {
    for (const [kind, words] of Object.entries(step)) console.log(`${kind}: ${words.trim()}`)
  }
  const calls = requests().slice(asked)
  for (const { method, route, status, stream, finishReason, promptTokens, changes, error } of calls) {
    const how = stream ? ', streamed' : ''
    console.log(`proxy: ${method} ${route}${how} → ${status} ${finishReason ?? error?.message ?? error?.name ?? ''}, ${promptTokens} tokens asked; changes: ${changes ?? 'none'}`)
  }
  rmSync(place, { recursive: true, force: true })
  return { runs, steps, calls }
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
