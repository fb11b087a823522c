import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Batch, Stage } from '../../src/generation/event.ts'
import { interleaved, once, primed, throughStages, type Source, type Backpressure } from '../../src/generation/pipeline.ts'
import { all, sourceOf } from '../sources.ts'

function text (...pieces: string[]): Batch {
  return pieces.map(piece => ({ type: 'text', text: piece }))
}

/** A source that remembers how many of its batches were taken. */
function counted (...batches: Batch[]) {
  const state = { given: 0 }
  function * counting () {
    for (const batch of batches) {
      state.given++
      yield batch
    }
  }
  return { state, batches: sourceOf(counting()) }
}

/** A source of texts, each of them so many milliseconds after the one before. */
function timed (name: string, ...waits: number[]): Source<Batch> {
  return async take => {
    for (const [index, ms] of waits.entries()) {
      await sleep(ms)
      if (await take(text(`${name}${index}`)) === 'cancel') return
    }
  }
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
    t.strictSame(await all(throughStages(sourceOf([text('a'), text('b')]), [shouting, exclaiming])), [text('A!a'), text('B!a')])
  })

  t.test('passes everything when there is no stage', async t => {
    t.strictSame(await all(throughStages(sourceOf([text('a')]), [])), [text('a')])
  })

  t.test('leaves out batches that became empty', async t => {
    const nothing: Stage = { push: () => [] }
    t.strictSame(await all(throughStages(sourceOf([text('a'), text('b')]), [nothing])), [])
  })

  t.test('has had enough when a stage is done', async t => {
    const { state, batches } = counted(text('a'), text('b'), text('c'))
    t.strictSame(await all(throughStages(batches, [keepingFirst(), shouting])), [text('A')])
    t.equal(state.given, 1)
  })

  t.test('passes on what its sink says', async t => {
    for (const verdict of ['cancel' as const, Promise.resolve('cancel' as const)]) {
      const { state, batches } = counted(text('a'), text('b'))
      await throughStages(batches, [shouting])(() => verdict)
      t.equal(state.given, 1)
    }
  })
})

t.test('what its sink throws rejects a source', async t => {
  const broken = () => { throw new Error('sink') }
  await t.rejects(once(text('a'))(broken), { message: 'sink' }, 'of one item')
  await t.rejects(interleaved([once(text('a'))], broken), { message: 'sink' }, 'of one choice')
  await t.rejects((await primed(throughStages(sourceOf([text('a')]), [keepingFirst()]), 1_000))(broken), { message: 'sink' }, 'that was waited for, and whose stage is done')
})

t.test('primed', async t => {
  const error = new Error('refused')
  const failure: Batch = [{ type: 'failure', error }]

  t.test('throws a failure that comes before anything else, and takes no more', async t => {
    const { state, batches } = counted(failure, text('a'))
    await t.rejects(primed(batches, 1_000), error)
    t.equal(state.given, 1)
  })

  t.test('throws what a source throws before anything else', async t => {
    await t.rejects(primed(sourceOf([error]), 1_000), error)
  })

  t.test('passes on what it waited for', async t => {
    t.strictSame(await all(await primed(sourceOf([text('a'), text('b')]), 1_000)), [text('a'), text('b')])
  })

  t.test('takes one batch until somebody reads on', async t => {
    const { state, batches } = counted(text('a'), text('b'), text('c'))
    await primed(batches, 1_000)
    await sleep(10)
    t.equal(state.given, 1)
  })

  t.test('passes on what is said to the first batch', async t => {
    const { state, batches } = counted(text('a'), text('b'))
    await (await primed(batches, 1_000))(() => 'cancel')
    t.equal(state.given, 1)
  })

  t.test('passes on a failure that comes after text, also of the same read', async t => {
    const late = [...text('a'), ...failure]
    t.strictSame(await all(await primed(sourceOf([late]), 1_000)), [late])
    t.strictSame(await all(await primed(sourceOf([text('a'), failure]), 1_000)), [text('a'), failure])
  })

  t.test('takes a source that gives nothing', async t => {
    t.strictSame(await all(await primed(sourceOf([]), 1_000)), [])
  })

  t.test('waits no longer than it is told, and loses nothing', async t => {
    const begun = Date.now()
    const given = await primed(timed('a', 200), 20)
    t.ok(Date.now() - begun < 150, 'before the first batch')
    t.strictSame(await all(given), [text('a0')])
  })

  t.test('keeps a batch that comes after the wait for whoever reads on', async t => {
    const given = await primed(timed('a', 40, 1), 5)
    await sleep(80)
    t.strictSame(await all(given), [text('a0'), text('a1')])
  })

  t.test('tells a failure that comes after the wait to whoever reads on', async t => {
    const broken: Source<Batch> = async () => {
      await sleep(50)
      throw error
    }
    await t.rejects(all(await primed(broken, 5)), error)
    const failing: Source<Batch> = async take => {
      await sleep(50)
      await take(failure)
    }
    const given = await primed(failing, 5)
    await sleep(100)
    t.strictSame(await all(given), [failure])
  })
})

t.test('interleaved', async t => {
  /** What is taken, in its order. */
  async function taken (...generations: Array<Source<Batch>>): Promise<Array<[Batch, number]>> {
    const out: Array<[Batch, number]> = []
    await interleaved(generations, (batch, choice) => {
      out.push([batch, choice])
      return undefined
    })
    return out
  }

  t.test('gives the batches of several generations in the order they arrive', async t => {
    t.strictSame(await taken(timed('a', 20, 60), timed('b', 50, 60)), [[text('a0'), 0], [text('b0'), 1], [text('a1'), 0], [text('b1'), 1]])
  })

  t.test('goes on with the others when one ends', async t => {
    t.strictSame(await taken(sourceOf([]), sourceOf([text('b'), text('c')])), [[text('b'), 1], [text('c'), 1]])
  })

  t.test('gives nothing for nothing', async t => {
    t.strictSame(await taken(), [])
  })

  t.test('throws what a generation throws', async t => {
    await t.rejects(taken(sourceOf([text('a'), new Error('broken')]), timed('b', 1)), { message: 'broken' })
  })

  t.test('holds back a generation whose sink asks for time, and no other', async t => {
    const slow = counted(text('a'), text('b'), text('c'))
    const quick = counted(text('a'), text('b'), text('c'))
    let go: (verdict: Backpressure) => void = () => {}
    const waiting = new Promise<Backpressure>(resolve => { go = resolve })
    const ended = interleaved([slow.batches, quick.batches], (_batch, choice) => choice === 0 ? waiting : undefined)
    await sleep(10)
    t.strictSame([slow.state.given, quick.state.given], [1, 3])
    go(undefined)
    await ended
    t.equal(slow.state.given, 3)
  })

  t.test('a source that breaks after another one did breaks nothing else', async t => {
    const rejections: unknown[] = []
    const remember = (reason: unknown) => { rejections.push(reason) }
    process.on('unhandledRejection', remember)
    t.teardown(() => process.off('unhandledRejection', remember))
    const late: Source<Batch> = async () => {
      await sleep(20)
      throw new Error('late')
    }
    await t.rejects(taken(sourceOf([new Error('broken')]), late), { message: 'broken' })
    await sleep(50)
    t.strictSame(rejections, [])
  })
})
