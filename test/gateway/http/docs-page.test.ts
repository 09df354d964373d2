import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { Page } from 'playwright-core'
import { openPage, skipWithoutChromium } from '../../fixtures/chromium.ts'
import { runningGateway } from '../../fixtures/running-gateway.ts'

const picture = await readFile(new URL('../../fixtures/media/stop-sign.png', import.meta.url))
const image = `data:image/png;base64,${picture.toString('base64')}`

async function openReference(t: Test, env: Record<string, string> = {}) {
  const { url } = await runningGateway(t, env)
  const opened = await openPage(t)
  await opened.page.goto(url)
  await opened.page.waitForSelector('.opblock')
  return { ...opened, url }
}

/** Opens an operation and runs it, with what the page fills in or with other arguments. */
async function execute(page: Page, name: string, args?: object) {
  const operation = page.locator(`.opblock[id$="-${name}"]`)
  const body = operation.locator('textarea.body-param__text')
  if (!(await body.isVisible())) await operation.locator('.opblock-summary-control').click()
  await body.waitFor()
  if (args) await body.fill(JSON.stringify(args))
  const coming = page.waitForResponse(response => response.url().endsWith(`/tools/${name}`))
  await operation.locator('button.execute').click()
  const status = String((await coming).status())
  const answer = operation.locator('.live-responses-table')
  // The page may still show the answer before.
  await answer.locator('.response .response-col_status', { hasText: status }).waitFor()
  return { operation, answer, status }
}

t.test(
  'a person tries tools on the page, and sees the boxes drawn',
  { skip: skipWithoutChromium },
  async t => {
    const { page, problems, hosts, url } = await openReference(t)
    const sum = await execute(page, 'calculator')
    t.match(sum.status, '200', 'the example that is filled in works')
    t.match(await sum.answer.innerText(), /cache-status: toolgate; fwd=miss; stored/)
    const found = await execute(page, 'detect_objects', { image, draw: true })
    t.match(await found.answer.innerText(), /"label": "stop sign"/)
    const shown = found.operation.locator('img[alt="Picture in the answer"]')
    await shown.waitFor()
    t.match(await shown.getAttribute('src'), `${url}/files/`)
    const width = () =>
      shown.evaluate(node => (node as unknown as { naturalWidth: number }).naturalWidth)
    await page.waitForFunction('document.querySelector("img[alt^=Picture]")?.complete')
    t.ok((await width()) > 0, 'the picture is there')
    const wrong = await execute(page, 'detect_objects', { image: 'https://127.0.0.1/a.png' })
    t.match(await wrong.answer.innerText(), /TG_URL_REFUSED/)
    t.equal(await shown.count(), 0, 'the picture of the answer before is gone')
    t.same([...hosts], [new URL(url).host], 'no other host is asked for anything')
    t.same(
      problems.filter(text => !/status of 400/.test(text)),
      [],
    )
  },
)

t.test('with a key the page asks for it once', { skip: skipWithoutChromium }, async t => {
  const { page } = await openReference(t, { TOOLGATE_KEY: 'a-good-long-key' })
  t.match((await execute(page, 'calculator')).status, '401')
  await page.locator('button.authorize').first().click()
  await page.locator('.auth-container input').fill('a-good-long-key')
  await page.locator('.auth-btn-wrapper button.authorize').click()
  await page.locator('.btn-done').click()
  const found = await execute(page, 'detect_objects', { image, draw: true })
  const shown = found.operation.locator('img[alt="Picture in the answer"]')
  await shown.waitFor()
  t.match(await shown.getAttribute('src'), /\?exp=\d+&sig=/, 'the picture’s URL is signed')
})
