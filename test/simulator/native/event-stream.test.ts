import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { pause, untilClosed } from '../../../src/simulator/native/event-stream.ts'
import { ask, KIMI, LLAMA, readFrames, readUntilBroken, saying, start } from '../asking.ts'

const whole = [
  '{"response":"","tool_calls":[],"p":"abdefghijklmnoprstuvxyz1"}',
  '{"response":"one","tool_calls":[],"p":"abde"}',
  '{"response":" two","tool_calls":[],"p":"abdefghijklm"}',
  '{"response":"","tool_calls":[],"p":"abdefghijklmn"}',
  '{"tool_calls":[],"p":"abdefghijklmnoprstuvxyz1234567890abdefghi"}'
]
const told = (frames: string[]): string => frames.map(frame => `data: ${frame}\n\n`).join('')

t.test('faults come when they are due', async t => {
  const simulator = await start(t)
  const stream = (words: string): Promise<Response> => ask(simulator, LLAMA, saying(`${words}, say one two`, { stream: true }))

  t.test('an end without [DONE]', async t => {
    t.strictSame(await readFrames(await stream('end after 2 frames')), whole.slice(0, 2))
    t.strictSame(await readFrames(await stream('end after 0 frames')), [])
    t.equal((await readFrames(await stream('end after 99 frames'))).at(-1), '[DONE]', 'one that is due after the end never comes')
  })

  t.test('a broken connection', async t => {
    const { text, error } = await readUntilBroken(await stream('break after 2 frames'))
    t.equal(text, told(whole.slice(0, 2)), 'what was sent before arrives')
    t.match(error, { message: 'terminated' })
    t.equal(simulator.requests.at(-1)?.closedEarly, false, 'it was not the client who left')
  })

  t.test('an error frame', async t => {
    const frames = await readFrames(await stream('error frame after 1 frame'))
    t.strictSame(frames.slice(0, 1), whole.slice(0, 1))
    t.match(JSON.parse(frames[1]!), { errors: [{ code: 3040, message: /Capacity temporarily exceeded/ }], success: false })
    t.equal(frames.length, 2, 'nothing comes after it')
  })

  t.test('a bad frame', async t => {
    const frames = await readFrames(await stream('bad frame after 1 frame'))
    t.strictSame(frames.slice(0, 5), [whole[0], '{"response":"x', ...whole.slice(2)])
    t.equal(frames.at(-1), '[DONE]', 'the stream goes on')
  })

  t.test('silence', async t => {
    const leaving = new AbortController()
    const response = await ask(simulator, LLAMA, saying('stall after 1 frame', { stream: true }), leaving.signal)
    const reading = readUntilBroken(response)
    t.equal(await Promise.race([reading, sleep(150, 'silent')]), 'silent')
    t.equal(simulator.openStreams, 1)
    leaving.abort()
    t.equal((await reading).text, told(whole.slice(0, 1)))
    while (simulator.openStreams > 0) await sleep(5)
    t.equal(simulator.requests.at(-1)?.closedEarly, true, 'until the client leaves')
  })
})

t.test('a pace is kept', async t => {
  const simulator = await start(t, { tokensPerSecond: 100 })
  const before = performance.now()
  const frames = await readFrames(await ask(simulator, LLAMA, saying('repeat 10 tokens', { stream: true })))
  t.equal(frames.length, 15)
  t.ok(performance.now() - before >= 139, '14 frames wait 10 ms each for the one before them')
})

t.test('a slow reader holds the stream up', async t => {
  const simulator = await start(t)
  const body = saying('repeat 60000 tokens', { stream: true, chat_template_kwargs: { thinking: false } })
  const response = await ask(simulator, KIMI, body)
  await sleep(100)
  t.equal(simulator.openStreams, 1, 'what is not read is not sent')
  const frames = await readFrames(response)
  t.equal(frames.length, 60_004, 'and comes when it is')
})

t.test('a wait ends early when the connection closes', async t => {
  const closed = AbortSignal.timeout(10)
  const before = performance.now()
  await Promise.all([pause(5_000, closed), untilClosed(closed)])
  t.ok(performance.now() - before < 1_000)
  await pause(5_000, closed)
  await untilClosed(closed)
  t.ok(performance.now() - before < 1_000, 'and does not begin when it is closed')
})
