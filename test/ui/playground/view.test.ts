import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startBuiltServer } from '../../servers/built-server.ts'
import { GPT_OSS, LLAMA } from '../../servers/start-proxy.ts'
import { chat, measureWork, openPage, overflowOf, startBrowser, withoutBrowser } from '../browser.ts'

// Beside a program: Chromium.

// A busy machine takes its time to draw pages.
t.setTimeout(300_000)

const VISION = '@cf/meta/llama-4-scout-17b-16e-instruct'

/** A frame of the classic form. */
const frame = (text: string) => `data: ${JSON.stringify({ response: text, p: 'abc' })}\n\n`

/** Stands for Cloudflare: streams an answer of so many frames. */
async function startStreamer (t: Test, frames: readonly string[]): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    if (!request.url?.includes('/ai/run/')) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"success":false,"errors":[],"result":null}')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let index = 0
    const send = () => {
      for (let count = 0; count < 20 && index < frames.length; count++) response.write(frames[index++])
      if (index < frames.length) setTimeout(send, 4)
      else response.end('data: [DONE]\n\n')
    }
    send()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('the playground', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t)

  t.test('a conversation, by keyboard', async t => {
    const page = await openPage(t, browser, url)
    await page.getByTestId('model').selectOption(GPT_OSS)
    await page.getByTestId('prompt').focus()
    await page.keyboard.type('think I look it up then say # Oslo')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('It is **here**')
    await page.keyboard.press('Enter')
    await page.getByTestId('facts').getByText('in all').waitFor()
    const answer = page.getByTestId('answer')
    t.equal(await answer.locator('h3').textContent(), 'Oslo', 'a heading of the answer')
    t.equal(await answer.locator('strong').textContent(), 'here')
    t.notOk(await page.getByText('I look it up', { exact: true }).isVisible(), 'what it thought is folded')
    await page.getByText('What it thought').click()
    t.ok(await page.getByText('I look it up', { exact: true }).isVisible())
    t.match(await page.getByTestId('facts').textContent(), /tokens in · .* out · .*first token/)
    await chat(page, 'say again')
    t.equal(await page.locator('.turn').count(), 4, 'several turns')
    await page.getByText('The same by curl').click()
    const command = await page.getByTestId('curl').textContent()
    t.match(command, /^curl -N http.*\/v1\/chat\/completions/)
    t.match(command, 'say again', 'the command has the conversation')
    await page.getByRole('button', { name: 'New conversation' }).click()
    t.equal(await page.locator('.turn').count(), 0)
  })

  t.test('parameters, JSON and answers as a whole', async t => {
    const page = await openPage(t, browser, url)
    await page.getByTestId('model').selectOption(LLAMA)
    await page.getByTestId('stream').uncheck()
    await page.getByTestId('system').fill('Be brief.')
    await page.getByTestId('temperature').fill('0.5')
    await page.getByTestId('max-tokens').fill('200')
    await page.getByTestId('format').selectOption('json_schema')
    const asked = page.waitForRequest(request => request.method() === 'POST')
    await chat(page, 'Ann is 30 years old.')
    t.match((await asked).postDataJSON(), {
      messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }], temperature: 0.5, max_completion_tokens: 200, response_format: { type: 'json_schema' }
    })
    t.match(JSON.parse(await page.getByTestId('answer').textContent() ?? ''), { name: String, age: Number })
    await page.getByTestId('temperature').fill('warm')
    await page.getByTestId('prompt').fill('hello')
    await page.getByTestId('send').click()
    await page.getByRole('alert').getByText('Temperature must be a number.').waitFor()
  })

  t.test('tools are called, and told what they gave', async t => {
    const page = await openPage(t, browser, url)
    await page.getByTestId('model').selectOption(LLAMA)
    await page.getByTestId('hasTools').check()
    await chat(page, 'What is the weather in Oslo?')
    t.match(await page.getByTestId('tool-calls').textContent(), /get_weather.*Oslo/s)
    await page.getByLabel('What it gave').fill('16 degrees')
    await page.keyboard.press('Enter')
    await page.getByTestId('answer').nth(1).getByText('16 degrees').waitFor()
  })

  t.test('images go to models that see', async t => {
    const page = await openPage(t, browser, url)
    await page.getByTestId('model').selectOption(LLAMA)
    t.equal(await page.getByTestId('images').count(), 0)
    await page.getByTestId('model').selectOption(VISION)
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
    await page.getByTestId('images').setInputFiles([{ name: 'dot.png', mimeType: 'image/png', buffer: png }, { name: 'page.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') }])
    await page.getByText('page.svg is no PNG').waitFor()
    const asked = page.waitForRequest(request => request.method() === 'POST')
    await chat(page, 'What is this?')
    t.match((await asked).postDataJSON().messages[0].content, [{ type: 'text' }, { type: 'image_url', image_url: { url: /^data:image\/png;base64,/ } }])
    t.equal(await page.locator('.turn.user img').count(), 1)
  })

  t.test('what a model writes stays text', async t => {
    const page = await openPage(t, browser, url)
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script> ![p](https://example.com/p.png) [j](javascript:document.title=3) <svg onload=alert(1)>'
    await chat(page, `say ${evil}`)
    const answer = page.getByTestId('answer')
    t.match(await answer.textContent(), '<img src=x onerror="document.title=1"><script>document.title=2</script>')
    t.equal(await answer.locator('img, script, svg').count(), 0)
    t.strictSame(await answer.locator('a').evaluateAll(links => links.map(link => [(link as HTMLAnchorElement).href, (link as HTMLAnchorElement).rel])), [['https://example.com/p.png', 'noopener noreferrer']])
    t.match(await page.title(), 'Playground')
  })

  t.test('an error is told in Cloudflare\'s words, with what to do', async t => {
    const page = await openPage(t, browser, url, { expected: [429] })
    await chat(page, 'fail with code 3040')
    const failure = page.getByTestId('failure')
    t.match(await failure.textContent(), /3040.*Try again/s)
    await failure.getByRole('button', { name: 'Try again' }).click()
    await failure.getByText('3040').waitFor()
    t.equal(await page.locator('.turn').count(), 2)
  })

  t.test('a stream that breaks keeps what came, and says so', async t => {
    const page = await openPage(t, browser, url)
    await page.getByTestId('model').selectOption(LLAMA)
    await chat(page, 'break after 3 frames')
    t.match(await page.getByTestId('failure').textContent(), /kept above/)
    t.ok((await page.getByTestId('answer').textContent() ?? '').length > 0)
  })

  t.test('an answer is stopped by Escape and by the button', async t => {
    const page = await openPage(t, browser, url)
    await page.getByTestId('model').selectOption(LLAMA)
    const stopped = page.getByText('Stopped')
    for (const [index, stop] of [() => page.keyboard.press('Escape'), () => page.getByTestId('stop').click()].entries()) {
      await page.getByTestId('prompt').fill('stall after 3 frames')
      await page.getByTestId('prompt').press('Enter')
      await page.getByText('Answering').waitFor()
      await page.getByTestId('prompt').fill('the next question')
      await stop()
      await stopped.nth(index).waitFor()
      t.equal(await page.getByTestId('prompt').inputValue(), 'the next question', 'what is not sent stays')
    }
    t.equal(await page.getByTestId('answer').count(), 2, 'and asks nobody')
    await page.getByRole('link', { name: 'Models' }).click()
    await page.getByRole('link', { name: 'Playground' }).click()
    t.equal(await page.getByTestId('prompt').inputValue(), 'the next question', 'also while another view is looked at')
    await chat(page, 'say and on')
    t.equal(await page.getByTestId('answer').last().textContent(), 'and on')
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`at 360 pixels, ${colorScheme}`, async t => {
      const page = await openPage(t, browser, url, { width: 360, colorScheme })
      await page.getByText('Parameters', { exact: true }).click()
      await page.getByTestId('hasTools').check()
      await chat(page, `say ${'longword'.repeat(20)} \`${'code'.repeat(40)}\` https://example.com/${'path'.repeat(40)}`)
      t.equal(await overflowOf(page), 0)
    })
  }
})

t.test('an answer of 200 kB', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const paragraph = `${'A sentence of the answer that goes on. '.repeat(12)}\n\n`
  const text = `${paragraph.repeat(215)}${'one word after the other '.repeat(4_000)}`
  const pieces = text.match(/[^]{1,40}/g) ?? []
  const { url } = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: await startStreamer(t, pieces.map(frame)) })
  const page = await openPage(t, browser, url)
  await page.getByTestId('model').selectOption(LLAMA)
  const workSince = await measureWork(page)
  await page.getByTestId('prompt').fill('Tell me all.')
  await page.getByTestId('prompt').press('Enter')
  const first = page.getByTestId('answer').locator('p').nth(1)
  await first.waitFor()
  const handle = await first.elementHandle()
  await page.getByTestId('facts').getByText('in all').waitFor({ timeout: 90_000 })
  const { shown, isSame } = await page.evaluate(node => ({
    shown: document.querySelector('[data-testid=answer]')?.textContent?.length ?? 0,
    isSame: node?.isConnected
  }), handle)
  t.ok(shown >= 195_000, `${shown} characters are shown`)
  t.ok(isSame, 'what was drawn is not drawn again')
  const { seconds, longestMs } = await workSince()
  t.comment(`200 kB: ${seconds} s of the page's thread, its longest task took ${longestMs} ms`)
  t.ok(seconds < 12, `${seconds} s of work: the answer is not drawn anew with each chunk`)
})
