// Beside a program: script, which makes a terminal.
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { MAIN } from '../servers/program.ts'

/** The program that makes one is a part of util-linux. */
const HAS_NO_TERMINAL = spawnSync('script', ['--version']).error !== undefined && 'there is no terminal to be had'

t.test('at a terminal the log is for a person, and the banner comes behind "listening"', { skip: HAS_NO_TERMINAL }, async t => {
  const screen = (env: Record<string, string>) => new Promise<string>(resolve => {
    const child = spawn('script', ['-qec', `${process.execPath} ${MAIN} --upstream=simulator --port=0`, '/dev/null'], { cwd: t.testdir(), env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', ...env }, stdio: ['pipe', 'pipe', 'ignore'] })
    t.teardown(() => child.kill('SIGKILL'))
    // It may have ended before Ctrl-C reaches it.
    child.stdin.on('error', () => {})
    let seen = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      const wasReady = seen.includes('Press Ctrl-C to stop')
      seen += piece
      // Once: the terminal echoes it, and a second one ends the process before it says that it stops.
      if (!wasReady && seen.includes('Press Ctrl-C to stop')) child.stdin.write('\u0003')
    })
    child.on('close', () => resolve(seen))
  })
  const coloured = await screen({})
  t.ok(coloured.includes('\u001b[2m'), 'with colours')
  t.match(stripVTControlCharacters(coloured), /^\d\d:\d\d:\d\d listening at [^]+is running[^]+base URL[^]+Press Ctrl-C to stop\.[^]+stopping signal=SIGINT/)
  t.notMatch(coloured, /"level"|GET \/v1\/models {2}/, 'the models of the banner are no request')
  t.notOk((await screen({ NO_COLOR: '1' })).includes('\u001b['), 'NO_COLOR is honoured')
  t.match(await screen({ LOG_FORMAT: 'json' }), /"msg":"listening/)
})

t.test('a token that Cloudflare refuses is told at the start', { skip: HAS_NO_TERMINAL }, async t => {
  const refusing = createServer((_request, response) => response.writeHead(401, { 'content-type': 'application/json' }).end('{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}'))
  t.teardown(() => refusing.close())
  await new Promise<void>(resolve => refusing.listen(0, '127.0.0.1', resolve))
  const { port } = refusing.address() as AddressInfo
  const env = `CLOUDFLARE_ACCOUNT_ID=a CLOUDFLARE_API_TOKEN=t CLOUDFLARE_API_BASE_URL=http://127.0.0.1:${port}`
  for (const workers of [1, 2]) {
    const child = spawn('script', ['-qec', `${env} ${process.execPath} ${MAIN} --port=0 --workers=${workers}`, '/dev/null'], { cwd: t.testdir(), stdio: ['pipe', 'pipe', 'ignore'] })
    t.teardown(() => child.kill('SIGKILL'))
    child.stdin.on('error', () => {})
    let seen = ''
    for await (const piece of child.stdout.setEncoding('utf8')) {
      const wasReady = seen.includes('Press Ctrl-C to stop')
      seen += piece
      if (!wasReady && seen.includes('Press Ctrl-C to stop')) child.stdin.write('\u0003')
    }
    t.match(seen, /models {5}unknown: Cloudflare refused the API token\r\n[^]+Cloudflare refused CLOUDFLARE_API_TOKEN[^]+with doctor to find the cause/, `${workers} workers`)
    t.ok(seen.indexOf('listening at') < seen.indexOf('base URL'))
  }
})
