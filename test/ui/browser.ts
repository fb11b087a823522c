import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Test } from 'tap'

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'
]

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(path => existsSync(path))

/** The option `skip` of tests that need a browser. */
export const withoutBrowser = executablePath === undefined ? 'Chromium is not installed: apt-get install chromium' : false

/** A machine that is busy with other tests takes its time. */
const TIMEOUT_MS = 30_000

export interface OpenOptions {
  /** Of the view, such as `requests`. */
  view?: string
  width?: number
  colorScheme?: 'light' | 'dark'
  /** Answers of the server with these statuses are no surprise. */
  expected?: readonly number[]
}

/** Starts a browser that is gone with the test. */
export async function startBrowser (t: Test): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: executablePath ?? '', args: FLAGS, handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false, timeout: TIMEOUT_MS
  })
  t.teardown(() => browser.close())
  return browser
}

/** Opens the page of a server. The test fails when the browser complains of anything: a rule of the page broken, a script that threw. */
export async function openPage (t: Test, browser: Browser, url: string, options: OpenOptions = {}): Promise<Page> {
  const { view = 'playground', width = 1280, colorScheme = 'light', expected = [] } = options
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, timezoneId: 'UTC' })
  const page = await context.newPage()
  page.setDefaultTimeout(TIMEOUT_MS)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    if (!['error', 'warning'].includes(message.type())) return
    const [, status] = /the server responded with a status of (\d+)/.exec(message.text()) ?? []
    if (status === undefined || !expected.includes(Number(status))) complaints.push(message.text())
  })
  t.teardown(async () => {
    await context.close()
    if (complaints.length > 0) throw new Error(`the browser complained: ${complaints.join('\n')}`)
  })
  await page.goto(`${url}/ui/#/${view}`)
  await page.getByTestId(`view-${view}`).waitFor()
  return page
}

/** How many pixels of the page lie beyond its right edge. Tables are measured in whole pixels, and may be cut by a part of one. */
export function overflowOf (page: Page): Promise<number> {
  return page.evaluate(() => {
    const frames = [...document.querySelectorAll<HTMLElement>('.table-frame')]
    return Math.max(document.documentElement.scrollWidth - document.documentElement.clientWidth, ...frames.map(frame => frame.scrollWidth - frame.clientWidth - 1))
  })
}

/** Sends a message in the playground by Enter, and waits for the end of its answer. */
export async function chat (page: Page, text: string): Promise<void> {
  await page.getByTestId('prompt').fill(text)
  // Nothing can be sent before the models are known.
  await page.getByTestId('send').and(page.locator(':enabled')).waitFor()
  await page.getByTestId('prompt').press('Enter')
  await page.locator('.turn.assistant').last().and(page.locator('[aria-busy=false]')).waitFor()
}

/** What the page's thread has done. */
export interface Work {
  /** Seconds of its processor time, which other programs of the machine do not lengthen. */
  seconds: number
  /** Milliseconds of the longest task by the clock, which they do. */
  longestMs: number
}

/** @returns what the page has done since */
export async function measureWork (page: Page): Promise<() => Promise<Work>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  await page.evaluate(() => {
    const seen = { longestMs: 0 }
    Object.assign(window, { seen })
    const observer = new PerformanceObserver(list => {
      for (const { duration } of list.getEntries()) seen.longestMs = Math.max(seen.longestMs, duration)
    })
    observer.observe({ type: 'longtask' })
  })
  const secondsOf = async () => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN
  const began = await secondsOf()
  return async () => ({
    seconds: await secondsOf() - began,
    longestMs: Math.round(await page.evaluate(() => (window as unknown as { seen: { longestMs: number } }).seen.longestMs))
  })
}
