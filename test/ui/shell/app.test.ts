import { readdirSync, statSync } from 'node:fs'
import t from 'tap'
import { VIEWS } from '../../../src/ui/shell/routes.ts'
import { startBuiltServer } from '../../servers/built-server.ts'
import { chat, openPage, startBrowser, withoutBrowser } from '../browser.ts'

// Beside a program: Chromium.

// A busy machine takes its time to draw pages.
t.setTimeout(300_000)

const KEY = 'sk-of-ann-0123456789'

t.test('the page is small', t => {
  const folder = new URL('../../../dist/ui/', import.meta.url)
  const bytes = readdirSync(folder).filter(name => name.endsWith('.gz')).reduce((sum, name) => sum + statSync(new URL(name, folder)).size, 0)
  t.ok(bytes > 0 && bytes <= 60_000, `${bytes} bytes over the wire`)
  t.end()
})

t.test('the frame of the page', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t)

  t.test('leads to each view, by mouse and by keyboard', async t => {
    const page = await openPage(t, browser, url)
    for (const { name, title } of VIEWS) {
      const link = page.getByRole('navigation').getByRole('link', { name: title })
      if (name === 'requests' || name === 'models') await link.click()
      else {
        await link.focus()
        await page.keyboard.press('Enter')
      }
      await page.getByTestId(`view-${name}`).waitFor()
      t.equal(await page.locator('h1').count(), 1)
      t.equal(await page.locator('h1').textContent(), title)
      t.equal(await link.getAttribute('aria-current'), 'page')
      t.match(await page.title(), title)
    }
    t.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'reading goes on at the heading')
    await page.goBack()
    await page.getByTestId('view-models').waitFor()
  })

  t.test('is fit for those who cannot see it', async t => {
    const page = await openPage(t, browser, url)
    t.equal(await page.locator('html').getAttribute('lang'), 'en')
    for (const role of ['banner', 'navigation', 'main'] as const) t.equal(await page.getByRole(role).count(), 1, role)
    t.equal(await page.getByRole('log').getAttribute('aria-live'), 'polite')
    for (const { name } of VIEWS) {
      await page.goto(`${url}/ui/#/${name}`)
      await page.getByTestId(`view-${name}`).waitFor()
      const unnamed = await page.evaluate(() => [...document.querySelectorAll<HTMLInputElement>('input, select, textarea, button, a')].filter(one => {
        const labels = [...one.labels ?? []].map(label => label.textContent).join('')
        return `${labels}${one.getAttribute('aria-label') ?? ''}${one.textContent ?? ''}`.trim() === ''
      }).map(one => one.outerHTML))
      t.strictSame(unnamed, [], `all of ${name} has a name`)
    }
    await page.reload()
    await page.getByRole('link', { name: 'Skip to the content' }).focus()
    await page.keyboard.press('Enter')
    t.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1')
  })

  t.test('has light and dark colours, which outlive a reload', async t => {
    const page = await openPage(t, browser, url, { colorScheme: 'dark' })
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const dark = await background()
    await page.getByTestId('theme').click()
    t.not(await background(), dark, 'light in a dark system')
    await page.reload()
    await page.getByTestId('view-playground').waitFor()
    t.not(await background(), dark)
    await page.getByTestId('theme').click()
    t.equal(await background(), dark)
  })

  t.test('asks for nothing but this server\'s files', async t => {
    const page = await openPage(t, browser, url)
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await page.reload()
    await chat(page, 'say hello')
    t.ok(asked.length > 3)
    t.strictSame(asked.filter(address => !address.startsWith(url)), [])
  })
})

t.test('a server with keys', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t, { API_KEYS: `ann:${KEY}` })
  const page = await openPage(t, browser, url, { expected: [401] })
  const field = page.getByTestId('api-key')
  await field.waitFor()
  t.equal(await field.getAttribute('type'), 'password')
  await field.fill('a-wrong-key')
  await page.keyboard.press('Enter')
  await page.getByText('Another key for this server.').waitFor()
  await page.getByText('Incorrect API key provided').waitFor()
  const asked: Array<{ url: string, authorization: string | undefined }> = []
  page.on('request', request => asked.push({ url: request.url(), authorization: request.headers()['authorization'] }))
  await field.fill(KEY)
  await page.keyboard.press('Enter')
  await field.waitFor({ state: 'detached' })
  await chat(page, 'say hello')
  t.equal(await page.getByTestId('answer').textContent(), 'hello')
  await page.getByText('Live', { exact: true }).waitFor()
  t.ok(asked.every(({ url, authorization }) => authorization === `Bearer ${KEY}` && !url.includes(KEY)), 'it goes out in a header, never in an address')
  t.notMatch(await page.getByTestId('curl').textContent(), KEY)
  t.match(await page.getByTestId('curl').textContent(), '$API_KEY')
  t.strictSame(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ''], 'it stays in this tab')
  await page.reload()
  await page.getByTestId('model').locator('option').nth(1).waitFor({ state: 'attached' })
  t.equal(await field.count(), 0, 'and outlives a reload')
  await page.getByRole('button', { name: 'Key', exact: true }).click()
  await page.getByRole('button', { name: 'Forget the key' }).click()
  await field.waitFor()
})
