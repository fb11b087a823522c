/**
 * Makes the pictures of the page in docs/images/ anew: `npm run build && node test/ui/screenshots.mjs [FOLDER]`. Looks at all views, light,
 * dark and narrow, with a folder named: then all of them go there.
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [folder] = process.argv.slice(2)
const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const MODELS = [LLAMA, '@cf/openai/gpt-oss-20b', '@cf/zai-org/glm-4.7-flash']
const ANSWER = 'say The **Opera House**: walk up its roof to the top. Then take the ferry from `Aker Brygge` to one of the islands in the fjord, and walk around it in an hour.'
const ALL = ['playground', 'requests', 'translation', 'charts', 'models', 'setup']
/** Of docs/images/: few, because they are looked at in the documentation. */
const SHOWN = ['playground', 'requests', 'translation', 'charts']

const port = 18_686
const url = `http://127.0.0.1:${port}`
const server = spawn(process.execPath, ['dist/main.js', '--demo', '--port', String(port)], {
  env: { PATH: process.env.PATH, SIMULATOR_TOKENS_PER_SECOND: '80', LOG_LEVEL: 'fatal' }, stdio: 'ignore'
})
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
try {
  await untilReady()
  for (let index = 0; index < 24; index++) await post({ model: MODELS[index % 3], stream: index % 4 !== 0, messages: [{ role: 'user', content: toMessage(index) }] })
  if (folder === undefined) await take('docs/images', { views: SHOWN, colorScheme: 'light', width: 1_120, height: 700 })
  else {
    for (const colorScheme of ['light', 'dark']) for (const width of [1_280, 360]) await take(folder, { views: ALL, colorScheme, width, height: 800, suffix: `-${colorScheme}-${width}` })
  }
} finally {
  await browser.close()
  server.kill()
}

/** @param {number} index */
function toMessage (index) {
  if (index % 9 === 5) return 'fail with code 3040'
  return `say ${20 + index * 7 % 90} words`
}

async function untilReady () {
  for (;;) {
    if (server.exitCode !== null) throw new Error('the server ended')
    const isReady = await fetch(`${url}/health`).then(({ ok }) => ok, () => false)
    if (isReady) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** @param {object} body */
async function post (body) {
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  await response.text()
}

/**
 * @param {string} into a folder
 * @param {{ views: string[], colorScheme: 'light' | 'dark', width: number, height: number, suffix?: string }} options
 */
async function take (into, { views, colorScheme, width, height, suffix = '' }) {
  mkdirSync(into, { recursive: true })
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, timezoneId: 'UTC' })
  const page = await context.newPage()
  await page.goto(`${url}/ui/`)
  await page.getByTestId('model').locator('option').nth(1).waitFor({ state: 'attached' })
  await page.getByTestId('model').selectOption(LLAMA)
  // The question stands on the page as a person would ask it.
  await page.route('**/v1/chat/completions', route => route.continue({ headers: { ...route.request().headers(), 'x-simulator': ANSWER } }))
  await page.getByTestId('prompt').fill('What should I see in Oslo?')
  await page.getByTestId('prompt').press('Enter')
  await page.getByTestId('facts').getByText('neurons').waitFor()
  for (const view of views) {
    await page.getByRole('navigation').getByRole('link', { name: view }).click()
    await page.getByTestId(`view-${view}`).waitFor()
    if (view === 'translation') {
      await page.getByRole('button', { name: 'Sample' }).click()
      await page.getByTestId('change-list').waitFor()
    }
    if (view === 'charts') await page.getByText('Requests today').waitFor()
    await page.screenshot({ path: join(into, `${view}${suffix}.png`), fullPage: ['charts', 'translation'].includes(view) || (suffix !== '' && view !== 'models') })
  }
  await context.close()
}
