import t from 'tap'
import { startBuiltServer } from '../../servers/built-server.ts'
import { LLAMA } from '../../servers/start-proxy.ts'
import { chat, openPage, overflowOf, startBrowser, withoutBrowser } from '../browser.ts'

// Beside a program: Chromium.

// In a process of its own: Playwright leaves things in globalThis.

t.test('the charts', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t)

  t.test('show requests, failures, tokens, neurons of the day and the first token', async t => {
    const page = await openPage(t, browser, url, { expected: [429] })
    await page.getByTestId('model').selectOption(LLAMA)
    await chat(page, 'say one two three')
    await chat(page, 'fail with code 3040')
    await page.getByRole('link', { name: 'Charts' }).click()
    const charts = page.getByTestId('charts')
    await charts.getByText('2 requests').waitFor()
    t.equal(await charts.locator('svg[role=img]').count(), 4)
    for (const name of [/^Requests: 2 requests/, /^Tokens: \d+ tokens/, /^Neurons: [\d.]+ neurons/, /^First token: half of them within/]) {
      t.equal(await charts.getByRole('img', { name }).count(), 1, String(name))
    }
    t.ok(await charts.locator('rect.bad').count() > 0, 'a failure has its colour')
    t.match(await charts.locator('.tiles').textContent(), /Requests today2Errors1/)
    t.match(await charts.locator('.free').textContent(), /Free neurons: [\d.]+ of 10,000 used\. Reset in \d+/)
    t.match(await charts.getByRole('meter').getAttribute('aria-valuenow'), /^\d+$/)
    t.match(await charts.locator('table').first().textContent(), LLAMA)
    await page.getByLabel('6 hours').focus()
    await page.keyboard.press('Space')
    await charts.getByText('2 requests').waitFor()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`fit into 360 pixels, ${colorScheme}`, async t => {
      const page = await openPage(t, browser, url, { view: 'charts', width: 360, colorScheme })
      await page.getByText('Requests today').waitFor()
      t.equal(await overflowOf(page), 0)
    })
  }
})
