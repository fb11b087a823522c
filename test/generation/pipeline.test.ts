import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Batch, Stage } from '../../src/generation/event.ts'
import { interleaved, primed, throughStages, type ChoiceBatch } from '../../src/generation/pipeline.ts'

function text (...pieces: string[]): Batch {
  return pieces.map(piece => ({ type: 'text', text: piece }))
}

/** A source that remembers how far it was read and whether it was closed. */
function source (...batches: Batch[]) {
  const state = { read: 0, closed: false }
  async function * read (): AsyncGenerator<Batch> {
    try {
      for (const batch of batches) {
        state.read++
        yield batch
      }
    } finally {
      state.closed = true
    }
  }
  return { state, batches: read() }
}

async function all<T> (items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of items) out.push(item)
  return out
}

const shouting: Stage = {
  push: batch => batch.map(event => event.type === 'text' ? { ...event, text: event.text.toUpperCase() } : event)
}

const exclaiming: Stage = {
  push: batch => batch.map(event => event.type === 'text' ? { ...event, text: `${event.text}!a` } : event)
}

function keepingFirst (): Stage {
  const stage = { done: false, push: (batch: Batch) => { stage.done = true; return batch } }
  return stage
}

t.test('throughStages', async t => {
  t.test('sends each batch through the stages in order', async t => {
    t.strictSame(await all(throughStages(source(text('a'), text('b')).batches, [shouting, exclaiming])), [text('A!a'), text('B!a')])
  })

  t.test('passes everything when there is no stage', async t => {
    t.strictSame(await all(throughStages(source(text('a')).batches, [])), [text('a')])
  })

  t.test('leaves out batches that became empty', async t => {
    const nothing: Stage = { push: () => [] }
    t.strictSame(await all(throughStages(source(text('a'), text('b')).batches, [nothing])), [])
  })

  t.test('ends and closes the source when a stage is done', async t => {
    const { state, batches } = source(text('a'), text('b'), text('c'))
    t.strictSame(await all(throughStages(batches, [keepingFirst(), shouting])), [text('A')])
    t.strictSame(state, { read: 1, closed: true })
  })

  t.test('closes the source when it is closed', async t => {
    const { state, batches } = source(text('a'), text('b'))
    const given = throughStages(batches, [shouting])
    t.strictSame((await given.next()).value, text('A'))
    await given.return(undefined)
    t.strictSame(state, { read: 1, closed: true })
  })
})

t.test('primed', async t => {
  const error = new Error('refused')
  const failure: Batch = [{ type: 'failure', error }]

  t.test('throws a failure that comes before anything else, and closes the source', async t => {
    const { state, batches } = source(failure, text('a'))
    await t.rejects(primed(batches, 1_000), error)
    t.equal(state.closed, true)
  })

  t.test('passes on what it waited for', async t => {
    t.strictSame(await all(await primed(source(text('a'), text('b')).batches, 1_000)), [text('a'), text('b')])
  })

  t.test('passes on a failure that comes after text, also of the same read', async t => {
    const late = [...text('a'), ...failure]
    t.strictSame(await all(await primed(source(late).batches, 1_000)), [late])
    t.strictSame(await all(await primed(source(text('a'), failure).batches, 1_000)), [text('a'), failure])
  })

  t.test('takes a source that gives nothing', async t => {
    t.strictSame(await all(await primed(source().batches, 1_000)), [])
  })

  t.test('waits no longer than it is told, and loses nothing', async t => {
    async function * slow (): AsyncGenerator<Batch> {
      await sleep(200)
      yield text('a')
    }
    const begun = Date.now()
    const given = await primed(slow(), 20)
    t.ok(Date.now() - begun < 150, 'before the first batch')
    t.strictSame(await all(given), [text('a')])
  })

  t.test('tells a failure that comes after the wait to whoever reads on', async t => {
    async function * broken (): AsyncGenerator<Batch> {
      await sleep(50)
      throw error
    }
    await t.rejects(all(await primed(broken(), 5)), error)
  })

  t.test('closes the source when it is closed', async t => {
    const { state, batches } = source(text('a'), text('b'))
    const given = await primed(batches, 1_000)
    t.strictSame((await given.next()).value, text('a'))
    await given.return(undefined)
    t.equal(state.closed, true)
  })
})

t.test('interleaved', async t => {
  async function * timed (name: string, ...waits: number[]): AsyncGenerator<Batch> {
    for (const [index, ms] of waits.entries()) {
      await sleep(ms)
      yield text(`${name}${index}`)
    }
  }

  t.test('gives the batches of several generations in the order they arrive', async t => {
    const given = await all(interleaved([timed('a', 20, 60), timed('b', 50, 60)]))
    const expected: ChoiceBatch[] = [
      { choice: 0, batch: text('a0') },
      { choice: 1, batch: text('b0') },
      { choice: 0, batch: text('a1') },
      { choice: 1, batch: text('b1') }
    ]
    t.strictSame(given, expected)
  })

  t.test('goes on with the others when one ends', async t => {
    const given = await all(interleaved([source().batches, source(text('b'), text('c')).batches]))
    t.strictSame(given, [{ choice: 1, batch: text('b') }, { choice: 1, batch: text('c') }])
  })

  t.test('gives nothing for nothing', async t => {
    t.strictSame(await all(interleaved([])), [])
  })

  t.test('throws what a generation throws', async t => {
    async function * broken (): AsyncGenerator<Batch> {
      yield text('a')
      throw new Error('broken')
    }
    await t.rejects(all(interleaved([broken(), timed('b', 1)])), { message: 'broken' })
  })

  t.test('reads a generation only once more than was asked of it', async t => {
    const { state, batches } = source(text('a'), text('b'), text('c'), text('d'))
    const given = interleaved([batches])
    await given.next()
    await sleep(10)
    t.ok(state.read <= 2, `${state.read} batches were read for one that was taken`)
    await given.return(undefined)
  })

  t.test('a source that breaks after its reader has left breaks nothing else', async t => {
    const rejections: unknown[] = []
    const remember = (reason: unknown) => { rejections.push(reason) }
    process.on('unhandledRejection', remember)
    t.teardown(() => process.off('unhandledRejection', remember))
    const left = new AbortController()
    async function * abortable (): AsyncGenerator<Batch> {
      yield text('a')
      await sleep(10_000, undefined, { signal: left.signal })
    }
    const given = interleaved([abortable()])
    t.strictSame((await given.next()).value, { choice: 0, batch: text('a') })
    await given.return(undefined)
    left.abort(new Error('the client left'))
    await sleep(20)
    t.strictSame(rejections, [])
  })
})
