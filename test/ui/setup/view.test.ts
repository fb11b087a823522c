import t from 'tap'
import { startBuiltServer } from '../../servers/built-server.ts'
import { openPage, overflowOf, startBrowser, withoutBrowser } from '../browser.ts'

// Beside a program: Chromium.

// In a process of its own: Playwright leaves things in globalThis.

t.test('the set-up', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t)

  t.test('has this server\'s address in every recipe, to be copied', async t => {
    const page = await openPage(t, browser, url, { view: 'setup' })
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const view = page.getByTestId('view-setup')
    t.match(await view.textContent(), `${url}/v1`)
    await page.getByTestId('recipe-openai-python').getByRole('button').click()
    await page.getByText('Copied').waitFor()
    t.match(await page.evaluate(() => navigator.clipboard.readText()), `client = OpenAI(base_url="${url}/v1", api_key="unused")`)
    const link = await view.getByRole('link', { name: 'OpenAPI' }).evaluate(link => (link as HTMLAnchorElement).href)
    t.equal((await fetch(link)).status, 200, 'the document of the API is there')
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`fits into 360 pixels, ${colorScheme}`, async t => {
      const page = await openPage(t, browser, url, { view: 'setup', width: 360, colorScheme })
      t.equal(await overflowOf(page), 0)
    })
  }
})
