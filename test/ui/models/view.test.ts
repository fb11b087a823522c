import t from 'tap'
import { startBuiltServer } from '../../servers/built-server.ts'
import { KIMI, LLAMA } from '../../servers/start-proxy.ts'
import { openPage, overflowOf, startBrowser, withoutBrowser } from '../browser.ts'

// Beside a program: Chromium.

// In a process of its own: Playwright leaves things in globalThis.

t.test('the models', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t)

  t.test('are searched, filtered and tried', async t => {
    const page = await openPage(t, browser, url, { view: 'models' })
    const rows = page.getByTestId('models').locator('tbody tr')
    await rows.first().waitFor()
    const all = await rows.count()
    t.match(await rows.filter({ hasText: LLAMA }).textContent(), /tools.*24k26,\d{3}204,\d{3}48\.8k/, 'window, prices and what is free')
    t.match(await rows.filter({ hasText: KIMI }).textContent(), 'paid plan')
    await page.getByLabel('vision').focus()
    await page.keyboard.press('Space')
    t.ok(await rows.count() < all)
    await page.getByLabel('vision').uncheck()
    await page.getByTestId('only-free').check()
    t.equal(await rows.filter({ hasText: 'paid plan' }).count(), 0)
    await page.getByTestId('search').fill('llama-3.3')
    t.equal(await rows.count(), 1)
    await page.getByRole('button', { name: 'Try it' }).click()
    await page.getByTestId('view-playground').waitFor()
    t.equal(await page.getByTestId('model').inputValue(), LLAMA)
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`fit into 360 pixels, ${colorScheme}`, async t => {
      const page = await openPage(t, browser, url, { view: 'models', width: 360, colorScheme })
      await page.getByTestId('models').locator('tbody tr').first().waitFor()
      t.equal(await overflowOf(page), 0)
    })
  }
})
