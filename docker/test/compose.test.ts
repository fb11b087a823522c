import { existsSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { findCompose, folder, toComposing } from './compose.ts'
import type { Outcome } from './docker.ts'

const composing = toComposing(await findCompose(), 'workers-ai-proxy-test')

for (const file of ['compose.yaml', 'compose.sidecar.yaml']) {
  t.test(`the app of ${file} waits for its proxy, and has its chat`, { skip: whyNot() }, async t => {
    t.teardown(() => compose([file], 'down', '--volumes', '--timeout', '40'))
    const { code, stdout, stderr } = await compose([file], 'up', '--no-build', '--abort-on-container-exit', '--exit-code-from', 'app')
    t.equal(code, 0, stderr)
    t.match(stdout, 'hello to the sidecar in one sentence', 'the answer is on screen')
    const addresses = [...stdout.matchAll(/listening at http:\/\/([\d.]+)/g)].map(([, address]) => address)
    t.ok(addresses.length > 0)
    t.equal(addresses.every(address => address === '127.0.0.1'), file === 'compose.sidecar.yaml', 'only a sidecar is on loopback alone')
  })
}

t.test('compose hands on the token as a file', { skip: whyNot() }, async t => {
  const token = `${folder}cloudflare-api-token`
  if (!existsSync(token)) {
    writeFileSync(token, 'a-token\n', { mode: 0o644 })
    t.teardown(() => rmSync(token))
  }
  const files = ['compose.yaml', 'compose.secrets.yaml']
  t.teardown(() => compose(files, 'down', '--volumes'))
  const { code, stdout, stderr } = await compose(files, 'run', '--rm', '--no-deps', 'proxy', '--print-config')
  t.equal(code, 0, stderr)
  t.match(stdout, /^CLOUDFLARE_API_TOKEN +\*{4} +\/run\/secrets\/cloudflare-api-token/m)
})

async function compose (files: readonly string[], ...argv: string[]): Promise<Outcome> {
  if (composing === undefined) throw new Error('there is no compose here')
  return await composing(files, ...argv)
}

function whyNot (): string | false {
  return composing ? false : 'there is no compose here'
}
