import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { accepts, freePort } from '../servers/http-client.ts'
import { start } from '../servers/program.ts'

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${signal} during the start is not lost`, async t => {
    const codes = new Set<number | null>()
    for (let delayMs = 100; delayMs <= 600; delayMs += 50) {
      const { child, ended } = start(t, ['--upstream=simulator', '--port=0'])
      await sleep(delayMs)
      child.kill(signal)
      codes.add((await ended).code)
    }
    const killed = signal === 'SIGTERM' ? 143 : 130
    t.strictSame([...codes].filter(code => code !== 0 && code !== killed && code !== null), [], 'nothing was served yet, or it ended in peace')
  })
}

t.test('SIGTERM at the moment the port accepts is not lost', async t => {
  for (const args of [[], ['--workers=2']]) {
    for (let count = 0; count < 3; count++) {
      const port = await freePort()
      const { child, ended } = start(t, ['--upstream=simulator', `--port=${port}`, ...args])
      while (!await accepts(port)) await sleep(1)
      child.kill('SIGTERM')
      t.equal((await ended).code, 0)
    }
  }
})
