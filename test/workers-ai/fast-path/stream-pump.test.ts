import { equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Batch, Stage } from '../../../src/generation/event.ts'
import { Ending } from '../../../src/stages/ending.ts'
import { HarmonyChannels } from '../../../src/stages/harmony-channels.ts'
import { StopSequences } from '../../../src/stages/stop-sequences.ts'
import { THINK, ThinkTags, THOUGHT_CHANNEL } from '../../../src/stages/think-tags.ts'
import type { Backpressure } from '../../../src/generation/pipeline.ts'
import { ChatChunks } from '../../../src/surfaces/openai/chat-completions/chunks.ts'
import { TextRelay } from '../../../src/workers-ai/fast-path/text-relay.ts'
import { GenerationReader } from '../../../src/workers-ai/answer/generation-reader.ts'
import { StreamPump } from '../../../src/workers-ai/fast-path/stream-pump.ts'
import { classicStream } from '../../streams/classic-streams.ts'
import { openAiStream } from '../../streams/openai-streams.ts'
import { runs } from '../../property-runs.ts'

interface Told {
  /** What a client would read, the bill and failures included. */
  text: string
  /** How often something was sent past the batches. */
  passed: number
  /** How often something was sent at all. */
  writes: number
  verdicts: Backpressure[]
}

interface Options {
  stages?: () => Stage[]
  /** Whether text may take the text relay. */
  hasLane: boolean
  /** Whoever takes something asks for time. */
  isSlow?: boolean
}

/** Tells a stream that comes in these pieces as a client would hear it. */
async function tell (pieces: readonly Buffer[], { stages: newStages = () => [], hasLane, isSlow = false }: Options): Promise<Told> {
  const stages = [...newStages(), new Ending({ promptTokens: 3, maxTokens: 100 })]
  const chunks = new ChatChunks({ id: 'i', created: 1, model: 'm', fingerprint: 'fp_1', legacyFunctions: false }, 0, false)
  const reader = new GenerationReader(() => 'call_1')
  const relay = new TextRelay()
  const told: Told = { text: '', passed: 0, writes: 0, verdicts: [] }
  const answer = (): undefined | Promise<undefined> => isSlow ? Promise.resolve(undefined) : undefined
  if (hasLane) {
    relay.connect(chunks.toChunkWriter(), piece => {
      told.text += piece.toString()
      told.passed++
      told.writes++
      return answer()
    })
  }
  const write = (batch: Batch): undefined | Promise<undefined> => {
    let out = batch
    for (const stage of stages) out = stage.push(out)
    const text = chunks.encode(out).toString()
    told.text += text + out.map(event => event.type === 'failure' ? `<${event.error.message}>` : '').join('')
    if (text !== '') told.writes++
    return answer()
  }
  const pump = new StreamPump({ reader, relay, stages, write })
  for (const piece of pieces) {
    const result = await pump.write(piece)
    told.verdicts.push(result)
    if (result === 'cancel') break
  }
  const last = pump.end()
  reader.end(last)
  write(last)
  told.text += JSON.stringify(chunks.usage)
  return told
}

function cut (bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  let at = 0
  for (const length of [...lengths, bytes.length]) {
    const piece = bytes.subarray(at, at += length)
    if (piece.length > 0) pieces.push(piece)
  }
  return pieces
}

const frames = (...texts: string[]) => texts.map(text => `data: {"response":${JSON.stringify(text)},"p":"abc"}\n\n`)
const DONE = 'data: [DONE]\n\n'

const MANNERS: Array<{ name: string, stages?: () => Stage[], passes: boolean }> = [
  { name: 'no stage that looks at text', passes: true },
  { name: 'thinking, which only begins an answer', stages: () => [new ThinkTags({ tags: [THINK, THOUGHT_CHANNEL], isOpen: false, maxTokens: 100 })], passes: true },
  { name: 'channels, which only begin an answer', stages: () => [new HarmonyChannels()], passes: true },
  { name: 'stop sequences, which may come anywhere', stages: () => [new StopSequences(['b c'])], passes: false }
]

/** Of a hundred streams seldom more than five pass. */
const ENOUGH_TO_PASS = 500

const STREAMS = [{ shape: 'classic', stream: classicStream }, { shape: 'OpenAI-shaped', stream: openAiStream }]

for (const { name, stages = () => [], passes, shape, stream } of MANNERS.flatMap(manner => STREAMS.map(stream => ({ ...manner, ...stream })))) {
  t.test(`a client hears the same of ${shape} frames by the text relay, with ${name}`, async t => {
    let passed = 0
    await fc.assert(fc.asyncProperty(stream, fc.boolean(), async ({ bytes, lengths }, isSlow) => {
      const pieces = cut(bytes, lengths)
      const quickly = await tell(pieces, { stages, hasLane: true, isSlow })
      const slowly = await tell(pieces, { stages, hasLane: false })
      equal(quickly.text, slowly.text)
      equal(quickly.verdicts.at(-1), slowly.verdicts.at(-1))
      passed += quickly.passed
    }), { numRuns: Math.max(ENOUGH_TO_PASS, runs(2_000)) })
    t.equal(passed > 0, passes, `${passed} pieces went by`)
  })
}

t.test('one read leads to one write, but the first event has one of its own', async t => {
  const text = frames('a', 'b', 'c', 'd')
  t.match(await tell([Buffer.from(text.join('')), Buffer.from(text.join('')), Buffer.from(DONE)], { hasLane: true }), { writes: 4, passed: 2 })
  t.match(await tell(text.map(frame => Buffer.from(frame)), { hasLane: true }), { writes: 4, passed: 3 })
})

t.test('a frame without text leads to no write', async t => {
  const pieces = frames('a', '', 'b').map(frame => Buffer.from(frame))
  t.match(await tell(pieces, { hasLane: true }), { writes: 2, passed: 1 })
})

t.test('a frame that is cut by a read goes by itself, and those behind it by the relay', async t => {
  const bytes = Buffer.from(frames('a', 'b', 'c', 'd', 'e').join('') + DONE)
  const told = await tell(cut(bytes, [100]), { hasLane: true })
  t.equal(told.passed, 2)
  t.equal(told.text, (await tell([bytes], { hasLane: false })).text)
})

t.test('OpenAI-shaped frames take the relay once their usage is known to be a total that grows, and the last usage in them counts', async t => {
  const texts = Array.from({ length: 9 }, (_, index) => `data: {"id":"i","choices":[{"index":0,"delta":{"content":"${index}"}}],"usage":{"prompt_tokens":7,"completion_tokens":${index}}}\n\n`)
  const pieces = [...texts, DONE].map(text => Buffer.from(text))
  const { passed, text } = await tell(pieces, { hasLane: true })
  t.equal(passed, 6)
  t.match(text, '{"promptTokens":7,"completionTokens":8}')
  t.equal(text, (await tell(pieces, { hasLane: false })).text)
})

t.test('frames that each tell their own usage are summed, whichever way they go', async t => {
  const texts = ['13,"completion_tokens":1', '0,"completion_tokens":1', '0,"completion_tokens":1', '0,"completion_tokens":0']
    .map((usage, index) => `data: {"response":"${index}","usage":{"prompt_tokens":${usage}}}\n\n`)
  const pieces = [...texts, DONE].map(text => Buffer.from(text))
  const { text } = await tell(pieces, { hasLane: true })
  t.match(text, '{"promptTokens":13,"completionTokens":3}')
  t.equal(text, (await tell(pieces, { hasLane: false })).text)
})

t.test('frames whose usage is all zeros take the relay', async t => {
  const texts = Array.from({ length: 9 }, (_, index) => `data: {"response":"${index}","usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}\n\n`)
  const pieces = [...texts, DONE].map(text => Buffer.from(text))
  const { passed, text } = await tell(pieces, { hasLane: true })
  t.equal(passed, 8)
  t.equal(text, (await tell(pieces, { hasLane: false })).text)
})

t.test('one frame of another kind does not close the relay to those that were taken before', async t => {
  const other = 'data: {"response":"x","p":"abc","model":"m"}\n\n'
  const pieces = [...frames('a', 'b'), other, ...frames('c', 'd', 'e'), DONE].map(text => Buffer.from(text))
  const told = await tell(pieces, { hasLane: true })
  t.equal(told.passed, 3, 'one before it, and those behind the next')
  t.equal(told.text, (await tell(pieces, { hasLane: false })).text)
})

t.test('a usage that nobody told is estimated of all text, whichever way it went', async t => {
  const bytes = Buffer.from(frames('four', 'é漢🙂\n', 'four').join('') + DONE)
  const { text, passed } = await tell([bytes], { hasLane: true })
  t.equal(passed, 1)
  t.match(text, '{"promptTokens":3,"completionTokens":4,"estimated":true}')
})

t.test('who has had enough is given nothing more', async t => {
  const taken: string[] = []
  const relay = new TextRelay()
  const reader = new GenerationReader(() => 'call_1')
  relay.connect({ isReady: true, begin () {}, add: () => true, take: () => Buffer.from('b') }, () => 'cancel')
  const pump = new StreamPump({ reader, relay, stages: [], write: batch => { taken.push(JSON.stringify(batch)); return undefined } })
  t.equal(pump.write(Buffer.from(frames('a').join(''))), undefined)
  t.equal(pump.write(Buffer.from(frames('b').join('') + DONE)), 'cancel')
  t.equal(pump.isCancelled, true)
  t.equal(taken.length, 1)
})

t.test('of a stream that is given up while something is waited for, nothing is given any more', async t => {
  for (const text of [frames('a', 'b').join(''), frames('a').join('') + 'data: {"response":7}\n\n' + frames('b').join('')]) {
    let drain: (result: Backpressure) => void = () => {}
    const taken: string[] = []
    const relay = new TextRelay()
    const reader = new GenerationReader(() => 'call_1')
    relay.connect({ isReady: true, begin () {}, add: () => true, take: () => Buffer.from('b') }, piece => { taken.push(piece.toString()); return undefined })
    const pump = new StreamPump({
      reader,
      relay,
      stages: [],
      write: batch => {
        taken.push(JSON.stringify(batch))
        return new Promise(resolve => { drain = resolve })
      }
    })
    const given = pump.write(Buffer.from(text))
    pump.isCancelled = true
    drain(undefined)
    t.equal(await given, 'cancel')
    t.equal(taken.length, 1, taken.join())
  }
})

t.test('a read is not cut where nothing behind its first event could take the relay', async t => {
  const text = ['a', 'b', 'c'].map(content => `data: {"choices":[{"index":0,"delta":{"reasoning_content":"${content}"}}]}\n\n`).join('')
  t.match(await tell([Buffer.from(text), Buffer.from(text.slice(0, 40)), Buffer.from(text.slice(40))], { hasLane: true }), { writes: 2, passed: 0 })
})
