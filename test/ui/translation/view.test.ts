import t from 'tap'
import { startBuiltServer } from '../../servers/built-server.ts'
import { LLAMA } from '../../servers/start-proxy.ts'
import { chat, openPage, overflowOf, startBrowser, withoutBrowser } from '../browser.ts'

// Beside a program: Chromium.

// In a process of its own: Playwright leaves things in globalThis.

t.test('the translation', { skip: withoutBrowser }, async t => {
  const browser = await startBrowser(t)
  const { url } = await startBuiltServer(t)

  t.test('shows both bodies, and each change with its reason', async t => {
    const page = await openPage(t, browser, url, { view: 'translation', expected: [400] })
    const native = page.getByTestId('native-body')
    await native.getByText('messages').waitFor()
    await page.getByTestId('openai-body').fill(JSON.stringify({ model: LLAMA, messages: [{ role: 'user', content: '<b>hi</b>' }], top_k: 1_000, user: 'ann' }))
    await native.getByText('<b>hi</b>').waitFor()
    t.match(JSON.parse(await native.textContent() ?? ''), { messages: [{ content: '<b>hi</b>' }], top_k: 50 })
    t.match(await page.getByTestId('change-list').textContent(), /clampedtop_k 1000 → 50this model takes 1 to 50.*droppeduser annWorkers AI does not take it/)
    t.match(await page.getByTestId('view-translation').textContent(), `/ai/run/${LLAMA}`)

    await page.getByTestId('openai-body').fill('{"model":')
    await page.getByText('This is no JSON yet.').waitFor()
    await page.getByTestId('openai-body').fill(JSON.stringify({ model: LLAMA, messages: [{ role: 'user', content: 'hi' }], temperature: 9 }))
    t.match(await page.getByTestId('failure').filter({ hasText: 'temperature' }).textContent(), /HTTP 400/, 'a refusal in the server\'s words')
  })

  t.test('knows every API', async t => {
    const page = await openPage(t, browser, url, { view: 'translation' })
    for (const [surface, path, text] of [['completions', '/v1/completions', 'prompt'], ['responses', '/v1/responses', 'get_weather'], ['embeddings', '/v1/embeddings', '"text"'], ['messages', '/v1/messages', 'max_tokens']] as const) {
      await page.getByTestId('surface').selectOption(surface)
      await page.getByText(`POST ${path}`).waitFor()
      await page.getByTestId('native-body').getByText(text).waitFor()
      await page.getByTestId('change-list').waitFor()
    }
  })

  t.test('has the last request of the playground, and the chunks of its answer', async t => {
    const page = await openPage(t, browser, url)
    await page.getByTestId('model').selectOption(LLAMA)
    await chat(page, 'say one two three')
    await page.getByTestId('show-translation').click()
    t.match(JSON.parse(await page.getByTestId('openai-body').inputValue()), { model: LLAMA, stream: true, messages: [{ content: 'say one two three' }] })
    const rows = page.getByTestId('frames').locator('tbody tr')
    await rows.first().waitFor()
    t.match(await page.getByTestId('frames').textContent(), /chat\.completion\.chunk.*\[DONE\]/)
    await page.getByTestId('openai-body').press('End')
    await page.getByTestId('openai-body').pressSequentially(' ')
    t.equal(await page.getByTestId('frames').count(), 0, 'what was changed has no answer')
    await page.getByTestId('last-request').click()
    await rows.first().waitFor()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    t.test(`fits into 360 pixels, ${colorScheme}`, async t => {
      const page = await openPage(t, browser, url, { view: 'translation', width: 360, colorScheme })
      await page.getByTestId('change-list').waitFor()
      t.equal(await overflowOf(page), 0)
    })
  }
})
