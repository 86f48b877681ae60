import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import fastify from 'fastify'
import type { Body } from '#test/api-house'
import { until } from '#test/harness'
import { ask, authorization, openTossHouse } from '#test/payment-house'
import { standInRoutes } from '../server.ts'
import { openToss } from './index.ts'
import { sdk } from './sdk.ts'

const shop = 'http://shop.example.com'
const house = await openTossHouse({ after }, { returnOrigins: [shop] })
const { toss, url } = house
const asked = {
  clientKey: toss.merchant.clientKey,
  orderId: 'order-of-the-window',
  orderName: '포도 <한> 상자',
  amount: '15000',
  successUrl: `${shop}/success?order=1`,
  failUrl: `${shop}/fail`,
}
let count = 0
const newOrderId = () => {
  count += 1
  return `order-of-window-${count}`
}
const open = (more: Record<string, string> = {}, language = 'ko') =>
  fetch(`${url}/sandbox/checkout?${new URLSearchParams({ ...asked, orderId: newOrderId(), ...more })}`, {
    headers: { 'accept-language': language },
  })
const decide = async (chosen: Record<string, string>) => {
  const window = await open()
  const answer = await fetch(window.url, { method: 'POST', body: new URLSearchParams(chosen), redirect: 'manual' })
  assert.equal(answer.status, 303)
  const target = new URL(answer.headers.get('location')!)
  return { path: target.origin + target.pathname, query: Object.fromEntries(target.searchParams) }
}
const confirm = ({ paymentKey, orderId, amount }: Record<string, string>) =>
  house.confirm({ paymentKey: paymentKey!, orderId: orderId!, amount: Number(amount) })

test('a buyer sees what is to be paid, in Korean or in English, and nothing that is not escaped', async () => {
  const [korean, english] = [await (await open()).text(), await (await open({}, 'en-US')).text()]
  assert.match(korean, /카드로 결제/)
  assert.match(korean, /15,000원/)
  assert.match(english, /Pay by card/)
  assert.doesNotMatch(korean, /<한>|<script/)
})

test('a window is not opened for a shop that is unknown, nor to lead a browser anywhere else', async () => {
  const wrong: Record<string, string>[] = [
    { clientKey: 'test_ck_of_somebody_else' },
    { orderId: 'short' },
    { amount: '0' },
    { successUrl: 'http://evil.example.com/' },
    { failUrl: 'javascript:alert(1)' },
  ]
  for (const more of wrong) assert.equal((await open(more)).status, 400, JSON.stringify(more))
})

test('who agrees comes back with what is confirmed; a window that was used is closed', async () => {
  const { path, query } = await decide({ decision: 'card', issuerCode: '41' })
  assert.equal(path, `${shop}/success`)
  assert.deepEqual(Object.keys(query), ['order', 'paymentKey', 'orderId', 'amount', 'paymentType'])
  assert.deepEqual([query.amount, query.paymentType], ['15000', 'NORMAL'])
  const { body } = await confirm(query)
  assert.deepEqual([body.status, body.card.issuerCode, body.orderName], ['DONE', '41', '포도 <한> 상자'])
  assert.equal((await fetch(`${url}/sandbox/checkout/${query.paymentKey}`)).status, 400)
  assert.equal((await open({ orderId: query.orderId! })).status, 400)
  const account = (await confirm((await decide({ decision: 'account', bankCode: '88' })).query)).body
  assert.deepEqual([account.status, account.virtualAccount.bankCode], ['WAITING_FOR_DEPOSIT', '88'])
})

test('who does not agree comes back with why, and closing the window says nothing of the order', async () => {
  const refused = await decide({ decision: 'refuse' })
  assert.deepEqual([refused.path, refused.query.code], [`${shop}/fail`, 'REJECT_CARD_COMPANY'])
  assert.equal(refused.query.message, '결제 승인이 거절되었습니다.')
  const { orderId } = refused.query
  assert.equal((await house.call(`GET /v1/payments/orders/${orderId}`)).body.status, 'ABORTED')
  assert.equal((await decide({ decision: 'abort' })).query.code, 'PAY_PROCESS_ABORTED')
  const closed = (await decide({ decision: 'cancel' })).query
  assert.deepEqual([closed.code, closed.orderId], ['PAY_PROCESS_CANCELED', undefined])
})

test('F26, F27: a buyer can come back too late, with another amount, or choose what goes wrong', async () => {
  const tampered = (await decide({ decision: 'card', tamper: 'yes' })).query
  assert.equal(tampered.amount, '14999')
  assert.equal((await confirm(tampered)).body.code, 'INVALID_REQUEST')
  const late = (await decide({ decision: 'card', late: 'yes' })).query
  assert.equal((await confirm(late)).body.code, 'NOT_FOUND_PAYMENT_SESSION')
  assert.equal((await confirm((await decide({ decision: 'card' })).query)).body.status, 'DONE')
  const unlucky = (await decide({ decision: 'card', fault: 'ambiguous-after-commit' })).query
  assert.equal((await confirm(unlucky)).body.code, 'PROVIDER_ERROR')
  assert.equal(toss.books.keptOf(unlucky.orderId!), 15_000)
})

test('the script opens the window as the provider’s own does', async () => {
  const gone: string[] = []
  const location = { href: `${shop}/cart`, assign: (target: URL) => gone.push(target.href) }
  const window: Body = {}
  const document = { currentScript: { src: `${url}/sandbox/sdk.js` } }
  runInNewContext(await (await fetch(`${url}/sandbox/sdk.js`)).text(), {
    window,
    document,
    location,
    URL,
    URLSearchParams,
  })
  assert.equal(sdk, await (await fetch(`${url}/sandbox/sdk.js`)).text())
  const { requestPayment } = window
    .TossPayments(asked.clientKey)
    .payment({ customerKey: window.TossPayments.ANONYMOUS })
  const amount = { currency: 'KRW', value: 20_000 }
  const order = { orderId: newOrderId(), orderName: '포도', successUrl: '/success', failUrl: '/fail' }
  requestPayment({ method: 'CARD', amount, ...order })
  assert.match(await (await fetch(gone[0]!)).text(), /20,000원/)
  await assert.rejects(window.TossPayments(asked.clientKey).payment({}).requestPayment(order), {
    code: 'INVALID_CUSTOMER_KEY',
  })
})

test('what is controlled by the page is controlled as JSON too, and by no page from elsewhere', async () => {
  const post = (path: string, body: object) => house.call(`POST /sandbox/${path}`, { body })
  const order = { orderId: newOrderId(), amount: 10_000 }
  const { body } = await post('payments', order)
  assert.equal(
    (await post('scenarios', { faults: ['declined'], match: { key: order.orderId }, times: 1 })).body.happened,
    0,
  )
  assert.equal((await confirm({ ...body, amount: '10000' })).body.code, 'REJECT_CARD_PAYMENT')
  assert.deepEqual((await house.call('GET /sandbox/scenarios')).body.items.at(-1).happened, 1)
  assert.equal((await post('scenarios', { faults: ['no-such-fault'] })).status, 400)
  assert.equal((await post('scenarios', { faults: [] })).status, 400)
  assert.equal((await post('scenarios', { faults: [{ point: 'before-commit', kind: 'nonsense' }] })).status, 400)
  assert.equal((await post('payments', { orderId: 'short', amount: 1 })).status, 400)
  assert.equal((await post('clock', { advanceMs: -1 })).status, 400)
  assert.equal((await post('clock', { advanceMs: 1_000 })).status, 200)
  assert.equal((await post('away', { ms: -1 })).status, 400)
  assert.equal((await post('away', { ms: 600_000 })).status, 200)
  await until('nobody is there', async () => (await house.call('GET /sandbox/clock')).error === 'ECONNREFUSED')
  await house.listening.admit()
  assert.equal((await post('away', { ms: 1 })).status, 200)
  await until('somebody is there again', async () => (await house.call('GET /sandbox/clock')).status === 200)
  assert.equal((await post('webhooks/nothing/redeliver', {})).status, 404)
  assert.ok((await house.call('GET /sandbox/faults')).body['timeout-after-commit'])
  const books = (await house.call('GET /sandbox/books')).body
  assert.deepEqual([books.flaws, books.totals], [[], toss.books.totals()])
  const headers = { 'sec-fetch-site': 'cross-site', 'content-type': 'application/x-www-form-urlencoded' }
  const foreign = await house.call('POST /sandbox/clock', { body: 'advanceMs=1', headers })
  assert.equal(foreign.status, 403)
  const form = await house.call('POST /sandbox/scenarios', {
    body: new URLSearchParams({ fault: 'drift', operation: 'find', times: '2', key: '', percent: '' }).toString(),
    headers: { ...headers, 'sec-fetch-site': 'same-origin' },
  })
  assert.deepEqual([form.status, form.headers.location], [303, '/sandbox'])
  for (const [language, text] of [
    ['ko', '일부러 낼 오류'],
    ['en', 'What shall go wrong'],
  ] as const) {
    const page = await house.call('GET /sandbox', { headers: { 'accept-language': language } })
    assert.match(page.text, new RegExp(text))
  }
  assert.equal((await house.call('DELETE /sandbox/scenarios')).status, 204)
  assert.deepEqual(toss.faults.list(), [])
})

test('inside another server it stands under its base, and its faults have the socket', async (t) => {
  const own = await openToss({ base: '/sandbox/toss' })
  const server = fastify()
  await server.register(standInRoutes(own))
  await server.listen({ port: 0, host: '127.0.0.1' })
  t.after(async () => {
    await own.close()
    await server.close()
  })
  const base = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/sandbox/toss`
  const { paymentKey } = own.till.start({ orderId: 'inside-1', orderName: '포도', amount: 1_000 }).payment
  own.till.authenticate(paymentKey, { method: '카드' })
  const text = JSON.stringify({ paymentKey, orderId: 'inside-1', amount: 1_000 })
  const headers = { authorization, 'content-type': 'application/json' }
  const asking = { method: 'POST', text, leaves: () => false }
  const fault = { 'x-sandbox-fault': 'name=reset-after-commit' }
  const confirmUrl = `${base}/v1/payments/confirm`
  assert.equal((await ask(confirmUrl, { ...asking, headers: { ...headers, ...fault } })).error, 'ECONNRESET')
  assert.equal((await ask(confirmUrl, { ...asking, headers })).body.code, 'ALREADY_PROCESSED_PAYMENT')
  assert.match(await (await fetch(`${base}/sandbox`)).text(), /action="\/sandbox\/toss\/sandbox\/clock"/)
})

test('with a file it goes on where it was, even where it was killed while writing', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'podo-toss-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'toss.journal')
  const scope = { after: (run: () => Promise<void> | void) => closing.push(run) }
  const closing: (() => Promise<void> | void)[] = []
  const first = await openTossHouse(scope, { file })
  const order = { orderId: 'kept-order', amount: 10_000 }
  const paymentKey = first.agree(order)
  first.receiver.answer('/hooks', { status: 500 })
  const { body } = await first.confirm({ ...order, paymentKey }, { key: 'kept' })
  await until('it was tried', () => first.toss.webhooks.list()[0]?.attempts.length === 1)
  for (const close of closing.splice(0)) await close()
  await writeFile(file, `${await readFile(file, 'utf8')}["payments","half a l`)
  const second = await openTossHouse(t, { file })
  assert.deepEqual((await second.confirm({ ...order, paymentKey }, { key: 'kept' })).body, body)
  assert.equal(second.toss.books.keptOf('kept-order'), 10_000)
  const listed = await second.call('GET /v1/transactions?startDate=2000-01-01&endDate=2099-01-01')
  assert.equal(listed.body[0].paymentKey, paymentKey)
  assert.deepEqual(
    second.toss.webhooks.list().map(({ state, attempts }) => [state, attempts.length]),
    [['sending', 1]],
  )
  await writeFile(join(folder, 'other'), 'no journal\n')
  await assert.rejects(openToss({ file: join(folder, 'other') }), /line 1 is not what a stand-in wrote/)
})
