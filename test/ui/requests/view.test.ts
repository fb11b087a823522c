import t from 'tap'
import { startBuiltServer } from '../../servers/built-server.ts'
import { LLAMA, saying } from '../../servers/start-proxy.ts'
import { measureWork, openPage, overflowOf, startBrowser, withoutBrowser } from '../browser.ts'

// Beside a program: Chromium.

// A busy machine takes its time to draw pages.
t.setTimeout(300_000)

const HEADERS = { 'content-type': 'application/json' }

async function post (url: string, body: object, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { ...HEADERS, ...headers }, body: JSON.stringify(body) })
  await response.text()
}

t.test('the table of requests', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t)
  await post(url, saying('before the page was opened'))

  t.test('is live, filtered, paused and opened', async t => {
    const page = await openPage(t, browser, url, { view: 'requests' })
    const rows = page.getByTestId('requests').locator('tbody tr')
    await rows.first().waitFor()
    t.equal(await rows.count(), 1, 'the last requests are told at once')
    await post(url, saying('hello', { model: LLAMA, stream: true, logit_bias: { 1: 1 } }))
    await rows.nth(1).waitFor()
    t.match(await rows.first().textContent(), /200 stream.*llama-3\.3-70b/, 'the newest first')
    await post(url, saying('fail with code 3040', { model: LLAMA }), { 'x-request-id': 'failed-1' })
    await rows.nth(2).waitFor()
    t.match(await rows.first().locator('.status').textContent(), '429')

    await page.getByTestId('only-failures').check()
    t.equal(await rows.count(), 1)
    await page.getByTestId('only-failures').uncheck()
    await page.getByTestId('filter').fill('stream-that-is-not-there')
    await page.getByText('No request fits the filter.').waitFor()
    await page.getByTestId('filter').fill('failed-1')
    t.equal(await rows.count(), 1)
    await page.getByTestId('filter').fill('')

    await page.getByTestId('pause').click()
    await post(url, saying('while paused'))
    await page.getByText('Go on (1 new)').waitFor()
    t.equal(await rows.count(), 3)
    await page.getByTestId('pause').click()
    await rows.nth(3).waitFor()

    await rows.nth(2).getByRole('button').focus()
    await page.keyboard.press('Enter')
    const details = page.getByTestId('details')
    await details.waitFor()
    t.match(await details.textContent(), /Tokens in\d+.*logit_bias dropped/)
    await page.keyboard.press('Escape')
    await details.waitFor({ state: 'detached' })
    await rows.nth(1).click()
    t.match(await details.textContent(), /failed-1.*3040/)
    await details.getByRole('button', { name: 'Close' }).click()
    await details.waitFor({ state: 'detached' })
  })

  t.test('shows dry runs to those who ask for them', async t => {
    const page = await openPage(t, browser, url, { view: 'requests' })
    const rows = page.getByTestId('requests').locator('tbody tr')
    await rows.nth(3).waitFor()
    await post(url, saying('dry'), { 'x-dry-run': 'true' })
    t.equal(await page.getByText('dry run', { exact: true }).count(), 0)
    await page.getByTestId('all-kinds').check()
    await page.getByText('dry run', { exact: true }).waitFor()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`fits into 360 pixels, ${colorScheme}`, async t => {
      const page = await openPage(t, browser, url, { view: 'requests', width: 360, colorScheme })
      await page.getByTestId('requests').locator('tbody tr').first().waitFor()
      t.equal(await overflowOf(page), 0)
    })
  }

  t.test('takes hundreds of requests, and shows the newest 500', async t => {
    const page = await openPage(t, browser, url, { view: 'requests' })
    await page.getByText('Live', { exact: true }).waitFor()
    const workSince = await measureWork(page)
    let sent = 0
    await Promise.all(Array.from({ length: 8 }, async () => { while (sent < 560) await post(url, saying(`say ${sent++}`)) }))
    await page.getByText('The newest 500 are shown.').waitFor()
    t.equal(await page.getByTestId('requests').locator('tbody tr').count(), 500)
    const { seconds, longestMs } = await workSince()
    t.comment(`560 requests: ${seconds} s of the page's thread, its longest task took ${longestMs} ms`)
    t.ok(seconds < 12, `${seconds} s of work: a row is drawn once`)
  })
})
