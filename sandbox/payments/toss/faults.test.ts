import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { until } from '#test/harness'
import { hooksPath, type Outcome, openTossHouse } from '#test/payment-house'
import type { Fault, Scenario } from '../faults.ts'

const house = await openTossHouse({ after })
const { toss, call, agree, confirm, receiver, listening } = house
let count = 0
const newOrder = (amount = 15_000) => {
  count += 1
  return { orderId: `order-${String(count).padStart(4, '0')}`, amount }
}
const agreed = (by: { amount?: number; method?: string; issuerCode?: string } = {}) => {
  const order = newOrder(by.amount)
  return { ...order, paymentKey: agree({ ...by, ...order }) }
}
const find = async (orderId: string) => (await call(`GET /v1/payments/orders/${orderId}`)).body
const cancel = (paymentKey: string, amount: number, more: { key?: string; headers?: Record<string, string> } = {}) =>
  call(`POST /v1/payments/${paymentKey}/cancel`, {
    body: { cancelReason: '취소', cancelAmount: amount },
    headers: { ...(more.key && { 'idempotency-key': more.key }), ...more.headers },
  })
const codeOf = ({ status, body }: Outcome) => `${status} ${body?.code}`
const chargesOf = (order: string) =>
  toss.books.list().filter(({ orderId, movement }) => orderId === order && movement === 'charge').length

const dripping: Fault = { point: 'before-answer', kind: 'drip', ms: 20 }

/** Confirms with a fault, tries again with the same key, and says what became of it. */
async function confirmTwice(fault: string | Fault) {
  const order = agreed()
  const match = { key: order.orderId, operation: 'confirm' }
  const { id } = toss.faults.add({ faults: [fault], match, times: 1 })
  const hasHappened = () => toss.faults.list().find((it) => it.id === id)?.happened === 1
  const isHeld = String(fault).startsWith('timeout') || fault === 'F1' || fault === 'F2'
  const leaves = (hasBegun: boolean) => (isHeld && hasHappened()) || (fault === dripping && hasBegun)
  const first = await confirm(order, { key: order.orderId, leaves })
  const between = await find(order.orderId)
  const second = await until('the first is over', async () => {
    const answer = await confirm(order, { key: order.orderId })
    return answer.status === 409 ? null : answer
  })
  toss.faults.remove(id)
  assert.equal(chargesOf(order.orderId), 1)
  return { first, between, second }
}

async function during<Result>(scenario: Scenario, run: () => Promise<Result>): Promise<Result> {
  const { id } = toss.faults.add(scenario)
  try {
    return await run()
  } finally {
    toss.faults.remove(id)
  }
}

test('F1, F3: the answer is lost after the charge, and the same key gives it', async () => {
  for (const [fault, error] of [
    ['F1', 'ABORT_ERR'],
    ['F3', 'ECONNRESET'],
    ['timeout-after-commit', 'ABORT_ERR'],
  ] as const) {
    const { first, between, second } = await confirmTwice(fault)
    assert.deepEqual([first.status, first.error], [null, error])
    assert.equal(between.status, 'DONE')
    assert.deepEqual(second.body, between)
  }
})

test('F2: the call is lost before the charge, and the same key charges', async () => {
  for (const [fault, error] of [
    ['F2', 'ABORT_ERR'],
    ['reset-before-commit', 'ECONNRESET'],
    ['dropped', 'ECONNRESET'],
  ] as const) {
    const { first, between, second } = await confirmTwice(fault)
    assert.deepEqual([first.status, first.error], [null, error])
    assert.deepEqual([between.status, second.body.status], ['IN_PROGRESS', 'DONE'])
  }
})

test('F2: a call that is held for a while ends without a charge', async () => {
  const order = agreed()
  const held = await confirm(order, { headers: { 'X-Sandbox-Fault': 'name=F2;ms=20' } })
  assert.deepEqual([held.status, held.error, chargesOf(order.orderId)], [null, 'ECONNRESET', 0])
})

test('F4: the answer is cut off, or is no JSON, though the money is taken', async () => {
  const cut = await confirmTwice('truncated')
  assert.deepEqual([cut.first.status, cut.first.error, cut.between.status], [null, 'ECONNRESET', 'DONE'])
  assert.ok(Number(cut.first.headers['content-length']) > 100)
  for (const [fault, status] of [
    ['garbage', 200],
    ['gateway-after-commit', 502],
  ] as const) {
    const { first, between, second } = await confirmTwice(fault)
    assert.deepEqual([first.status, first.body, between.status], [status, undefined, 'DONE'])
    assert.match(first.text, /<html>/)
    assert.equal(second.body.status, 'DONE')
  }
})

test('F5, F36: a slow answer is right in the end; whoever has left has been charged all the same', async () => {
  const patient = agreed()
  const headers = { 'X-Sandbox-Fault': 'name=slow;ms=30' }
  assert.equal((await confirm(patient, { headers })).body.status, 'DONE')
  const hasty = agreed()
  const fault = { point: 'before-accept', kind: 'delay', ms: 50 } as const
  const { id } = toss.faults.add({ faults: [fault], match: { key: hasty.orderId } })
  const left = await confirm(hasty, { leaves: () => toss.faults.list()[0]?.happened === 1 })
  assert.equal(left.status, null)
  toss.faults.remove(id)
  await until('the charge is made', () => chargesOf(hasty.orderId) === 1)
})

test('F6: an answer that drips begins at once, and does not end in time', async () => {
  const { first, between } = await confirmTwice(dripping)
  assert.deepEqual([first.status, first.error, between.status], [null, 'ABORT_ERR', 'DONE'])
  assert.ok(Number(first.headers['content-length']) > 100)
})

test('F7, F10: it is away, or asked too often, exactly as often as was said', async () => {
  const order = agreed()
  const outcomes: Outcome[] = []
  await during({ faults: ['unavailable'], match: { operation: 'confirm' }, times: 2 }, () =>
    during({ faults: ['too-many'], match: { key: order.orderId }, times: 1 }, async () => {
      for (let time = 0; time < 4; time += 1) outcomes.push(await confirm(order, { key: order.orderId }))
    }),
  )
  assert.deepEqual(
    outcomes.map(({ status, headers }) => [status, headers['retry-after']]),
    [
      [503, '1'],
      [503, '1'],
      [429, '1'],
      [200, undefined],
    ],
  )
  const limited = await openTossHouse({ after }, { callsPerMinute: 2 })
  const asked = [1, 2, 3].map(() => limited.call('GET /v1/payments/nothing'))
  assert.deepEqual((await Promise.all(asked)).map(({ status }) => status).sort(), [404, 404, 429])
})

test('F8, F9: nobody is there, or nobody that speaks TLS', async () => {
  const order = agreed()
  await listening.refuse()
  assert.equal((await confirm(order)).error, 'ECONNREFUSED')
  await listening.admit()
  await assert.rejects(fetch(house.url.replace('http:', 'https:')), { message: 'fetch failed' })
  assert.equal((await confirm(order)).body.status, 'DONE')
})

test('F11: the same key is busy while the first call runs, and then gives its answer', async () => {
  const order = agreed()
  const headers = { 'X-Sandbox-Fault': 'name=slow-commit;ms=300;times=1' }
  const first = confirm(order, { key: 'busy', headers })
  const busy = await until('the first is running', async () => {
    const answer = await confirm(order, { key: 'busy' })
    return answer.status === 409 ? answer : null
  })
  assert.equal(codeOf(busy!), '409 IDEMPOTENT_REQUEST_PROCESSING')
  assert.deepEqual((await first).body, (await confirm(order, { key: 'busy' })).body)
  assert.equal(chargesOf(order.orderId), 1)
})

test('F12, F15, F40: another key, another body and another payment of the order charge nothing more', async () => {
  const order = agreed()
  const { body } = await confirm(order, { key: 'first' })
  assert.equal(codeOf(await confirm(order, { key: 'second' })), '400 ALREADY_PROCESSED_PAYMENT')
  assert.deepEqual((await confirm({ ...order, amount: 1 }, { key: 'first' })).body, body)
  const again = agree({ orderId: order.orderId, amount: order.amount })
  assert.equal(codeOf(await confirm({ ...order, paymentKey: again })), '400 DUPLICATED_ORDER_ID')
  assert.equal(chargesOf(order.orderId), 1)
})

test('F13, F14: an error may hide a charge or none, and comes again under its key', async () => {
  for (const [fault, expected, status] of [
    ['ambiguous-after-commit', '400 PROVIDER_ERROR', 'DONE'],
    ['ambiguous-before-commit', '400 PROVIDER_ERROR', 'IN_PROGRESS'],
    ['broken-after-commit', '500 FAILED_INTERNAL_SYSTEM_PROCESSING', 'DONE'],
    ['F14', '500 FAILED_INTERNAL_SYSTEM_PROCESSING', 'IN_PROGRESS'],
  ] as const) {
    const order = agreed()
    const headers = { 'X-Sandbox-Fault': `name=${fault};times=1` }
    assert.equal(codeOf(await confirm(order, { key: order.orderId, headers })), expected)
    assert.equal(codeOf(await confirm(order, { key: order.orderId, headers })), expected)
    assert.equal((await find(order.orderId)).status, status)
    assert.equal(chargesOf(order.orderId), status === 'DONE' ? 1 : 0)
  }
})

test('F16: a key of more than 15 days is a new one', async () => {
  const order = agreed()
  await confirm(order, { key: 'old' })
  await cancel(order.paymentKey, 1_000, { key: 'older' })
  toss.clock.advance(15 * 86_400_000)
  assert.equal((await cancel(order.paymentKey, 1_000, { key: 'older' })).body.balanceAmount, 13_000)
})

test('F17: a webhook comes several times', async () => {
  const order = agreed()
  await during({ faults: ['webhook-repeated'], match: { key: order.orderId } }, () => confirm(order))
  await until('all three are there', () => house.hooksOf(order.orderId).length === 3)
})

test('F18: a webhook comes after the one that was sent after it', async () => {
  const order = agreed()
  await during({ faults: ['webhook-swapped'], match: { key: order.orderId }, times: 1 }, async () => {
    await confirm(order)
    await cancel(order.paymentKey, 15_000)
  })
  await until('both are there', () => house.hooksOf(order.orderId).length === 2)
  assert.deepEqual(
    house.hooksOf(order.orderId).map(({ data }) => data.status),
    ['CANCELED', 'DONE'],
  )
})

test('F19: a webhook is there before the answer', async () => {
  const order = agreed()
  const headers = { 'X-Sandbox-Fault': 'name=webhook-first' }
  receiver.answer(hooksPath, null)
  const confirming = confirm(order, { headers })
  await until('the webhook is there', () => receiver.waiting(hooksPath) === 1)
  receiver.answer(hooksPath, { status: 200 })
  receiver.release(hooksPath, 200)
  assert.equal((await confirming).body.status, 'DONE')
})

test('F20: a webhook that is lost can be sent by hand', async () => {
  const order = agreed()
  await during({ faults: ['webhook-lost'], match: { key: order.orderId } }, () => confirm(order))
  const lost = toss.webhooks.list().find(({ orderId }) => orderId === order.orderId)!
  assert.deepEqual([lost.state, house.hooksOf(order.orderId).length], ['lost', 0])
  assert.equal((await call(`POST /sandbox/webhooks/${lost.id}/redeliver`)).status, 200)
  await until('it is there', () => house.hooksOf(order.orderId).length === 1)
})

test('F21: a webhook comes late, and again after 1, 4, 16, 64, 256, 1024 and 4096 minutes, and then no more', async (t) => {
  const late = agreed()
  await during({ faults: ['webhook-late'], match: { key: late.orderId } }, () => confirm(late))
  toss.clock.advance(599_000)
  assert.equal(house.hooksOf(late.orderId).length, 0)
  toss.clock.advance(1_000)
  await until('it is there', () => house.hooksOf(late.orderId).length === 1)
  receiver.answer(hooksPath, { status: 500 })
  const refused = agreed()
  await confirm(refused)
  const delivery = () => toss.webhooks.list().find(({ orderId }) => orderId === refused.orderId)!
  for (const [index, minutes] of [1, 4, 16, 64, 256, 1_024, 4_096].entries()) {
    await until('it was tried', () => delivery().attempts.length === index + 1)
    toss.clock.advance(minutes * 60_000)
  }
  await until('it is given up', () => delivery().state === 'failed')
  assert.equal(delivery().attempts.length, 8)
  const counts = receiver.received
    .filter(({ event }) => event.data?.orderId === refused.orderId)
    .map(({ headers }) => headers['tosspayments-webhook-transmission-retried-count'])
  assert.deepEqual(counts, ['0', '1', '2', '3', '4', '5', '6', '7'])
  receiver.answer(hooksPath, { status: 200 })
  const hasty = await openTossHouse(t, { webhookScale: 1e-8 })
  hasty.receiver.answer(hooksPath, { status: 500 })
  const order = newOrder()
  await hasty.confirm({ ...order, paymentKey: hasty.agree(order) })
  await until('it is given up', () => hasty.toss.webhooks.list()[0]!.state === 'failed')
})

test('F22, F23: a webhook is forged, or says that it is old', async () => {
  const order = agreed()
  await during({ faults: ['webhook-forged'], match: { key: order.orderId } }, () => confirm(order))
  await until('it is there', () => house.hooksOf(order.orderId).length === 1)
  const [forged] = house.hooksOf(order.orderId)
  const { secret } = await find(order.orderId)
  assert.notEqual(forged.data.secret, secret)
  assert.equal(forged.data.totalAmount, 150_000)
  const stale = agreed()
  await during({ faults: ['webhook-stale'], match: { key: stale.orderId } }, () => confirm(stale))
  await until('it is there', () => house.hooksOf(stale.orderId).length === 1)
  const { headers } = receiver.received.findLast(({ event }) => event.data?.orderId === stale.orderId)!
  const saidMs = Date.parse(String(headers['tosspayments-webhook-transmission-time']))
  assert.ok(toss.clock.nowMs() - saidMs >= 599_000)
})

test('F25: whoever takes too long is sent the webhook again', async (t) => {
  const own = await openTossHouse(t, { webhookTimeoutMs: 100 })
  const order = newOrder()
  own.receiver.answer(hooksPath, null)
  await own.confirm({ ...order, paymentKey: own.agree(order) })
  await until('nobody waits any more', () => own.toss.webhooks.list()[0]?.attempts[0]?.status === null)
  own.receiver.answer(hooksPath, { status: 200 })
  own.toss.clock.advance(60_000)
  await until('it came again', () => own.hooksOf(order.orderId).length === 2)
})

test('F26: what was agreed more than 10 minutes ago cannot be confirmed', async () => {
  const order = agreed()
  toss.clock.advance(601_000)
  assert.equal(codeOf(await confirm(order)), '404 NOT_FOUND_PAYMENT_SESSION')
  assert.equal(chargesOf(order.orderId), 0)
})

test('F28: of two cancellations of 60 % at once, one is made', async () => {
  const order = agreed({ amount: 10_000 })
  await confirm(order)
  const outcomes = await Promise.all([cancel(order.paymentKey, 6_000), cancel(order.paymentKey, 6_000)])
  assert.deepEqual(outcomes.map(({ status, body }) => body.code ?? status).sort(), [200, 'NOT_CANCELABLE_AMOUNT'])
  assert.equal(toss.books.keptOf(order.orderId), 4_000)
})

test('F29: the answer to a cancellation is lost, and the same key gives it', async () => {
  for (const fault of ['timeout-after-commit', 'reset-after-commit', 'ambiguous-after-commit']) {
    const order = agreed({ amount: 10_000 })
    await confirm(order)
    const headers = { 'X-Sandbox-Fault': `name=${fault};times=1` }
    const body = { cancelReason: '취소', cancelAmount: 6_000 }
    const options = { body, headers: { 'idempotency-key': order.orderId, ...headers } }
    const isHeld = fault === 'timeout-after-commit'
    const leaves = () => isHeld && toss.books.keptOf(order.orderId) === 4_000
    const first = await call(`POST /v1/payments/${order.paymentKey}/cancel`, { ...options, leaves })
    assert.notEqual(first.status, 200)
    assert.equal((await find(order.orderId)).balanceAmount, 4_000)
    await call(`POST /v1/payments/${order.paymentKey}/cancel`, options)
    assert.equal(toss.books.keptOf(order.orderId), 4_000)
  }
  const refused = agreed()
  await confirm(refused)
  const headers = { 'X-Sandbox-Fault': 'name=refund-declined' }
  assert.equal(codeOf(await cancel(refused.paymentKey, 1_000, { headers })), '403 NOT_CANCELABLE_PAYMENT')
  assert.equal(toss.books.keptOf(refused.orderId), refused.amount)
})

test('F30, F31, F32: a refund fails, a deposit is taken back, and one that is late or wrong does not count', async () => {
  const order = agreed({ method: '가상계좌' })
  await confirm(order)
  const account = (paymentKey: string, path: string, body: object = {}) =>
    call(`POST /sandbox/virtual-accounts/${paymentKey}/${path}`, { body })
  await account(order.paymentKey, 'deposit')
  await account(order.paymentKey, 'reverse')
  assert.deepEqual([(await find(order.orderId)).status, toss.books.keptOf(order.orderId)], ['WAITING_FOR_DEPOSIT', 0])
  await account(order.paymentKey, 'deposit')
  const refundReceiveAccount = { bank: '88', accountNumber: '110123456789', holderName: '김포도' }
  const body = { cancelReason: '취소', refundReceiveAccount }
  await call(`POST /v1/payments/${order.paymentKey}/cancel`, { body })
  assert.equal(toss.books.keptOf(order.orderId), 0)
  const failed = await account(order.paymentKey, 'fail-refund')
  assert.equal(failed.body.virtualAccount.refundStatus, 'FAILED')
  assert.equal(toss.books.keptOf(order.orderId), order.amount)
  assert.equal((await account(order.paymentKey, 'fail-refund')).status, 409)
  const late = agreed({ method: '가상계좌' })
  await confirm(late)
  toss.clock.advance(168 * 3_600_000 + 1_000)
  assert.equal((await account(late.paymentKey, 'deposit')).status, 409)
  const { status, virtualAccount } = await find(late.orderId)
  assert.deepEqual([status, virtualAccount.expired, chargesOf(late.orderId)], ['WAITING_FOR_DEPOSIT', true, 0])
  assert.equal((await account('of-nobody', 'deposit')).status, 404)
})

test('F33, F34: a bank is closed at night, and one issuer declines: everything else goes on', async (t) => {
  const night = { between: '00:00-24:00', payMethod: '가상계좌' }
  const issuer = { issuer: '61', operation: 'confirm' }
  await during({ faults: ['bank-away'], match: night }, () =>
    during({ faults: ['declined'], match: issuer }, async () => {
      assert.equal(codeOf(await confirm(agreed({ method: '가상계좌' }))), '403 NOT_AVAILABLE_BANK')
      const declined = agreed()
      assert.equal(codeOf(await confirm(declined)), '403 REJECT_CARD_PAYMENT')
      assert.equal((await find(declined.orderId)).status, 'ABORTED')
      assert.equal((await confirm(agreed({ issuerCode: '41' }))).status, 200)
    }),
  )
  const own = await openTossHouse(t, { nowMs: () => Date.parse('2026-01-02T23:45:00+09:00') })
  own.toss.faults.add({ faults: ['method-away'], match: { between: '23:30-00:30' } })
  const payment = () => {
    const order = newOrder()
    return { ...order, paymentKey: own.agree(order) }
  }
  assert.equal(codeOf(await own.confirm(payment())), '400 MAINTAINED_METHOD')
  own.toss.clock.advance(3_600_000)
  assert.equal((await own.confirm(payment())).status, 200)
})

test('F35: every third call fails', async () => {
  const statuses = await during({ faults: ['unavailable'], match: { every: 3, operation: 'find' } }, async () => {
    const answers: (number | null)[] = []
    for (let time = 0; time < 6; time += 1) answers.push((await call('GET /v1/payments/nothing')).status)
    return answers
  })
  assert.deepEqual(statuses, [404, 404, 503, 404, 404, 503])
})

test('F37: lists differ from the truth in each of the ways', async (t) => {
  const own = await openTossHouse(t, { nowMs: () => Date.parse('2026-01-02T12:00:00+09:00') })
  for (const amount of [10_000, 20_000]) {
    const order = newOrder(amount)
    await own.confirm({ ...order, paymentKey: own.agree(order) })
  }
  const list = async (fault: string, path = 'transactions') => {
    const headers = { 'X-Sandbox-Fault': `name=${fault}` }
    return (await own.call(`GET /v1/${path}?startDate=2026-01-02&endDate=2026-01-03`, { headers })).body
  }
  assert.deepEqual((await list('row-missing')).length, 1)
  assert.deepEqual((await list('row-extra')).at(-1).status, 'CANCELED')
  assert.deepEqual(await list('rows-late'), [])
  own.toss.clock.advance(86_400_000)
  const fees = (await list('fee-off', 'settlements')).map(({ fees: [{ fee }] }: { fees: [{ fee: number }] }) => fee)
  assert.deepEqual(fees, [290, 581])
})

test('F38, F39, F42: the clock is ahead, the form has changed, or the answer is of something else', async () => {
  const after = async (fault: string) => {
    const order = agreed()
    const answer = await confirm(order, { headers: { 'X-Sandbox-Fault': `name=${fault}` } })
    assert.deepEqual([answer.status, chargesOf(order.orderId)], [200, 1])
    return answer
  }
  assert.ok(Date.parse((await after('fast-clock')).headers.date!) - Date.now() > 80_000)
  const { body } = await after('drift')
  assert.deepEqual([body.totalAmount, body.card, body.status], ['15000', null, 'DONE'])
  assert.ok(body.addedLater)
  assert.equal((await after('wrong-status')).body.status, 'ABORTED')
  assert.equal((await after('wrong-order')).body.orderId, 'order-of-somebody-else')
  assert.equal((await after('wrong-amount')).body.totalAmount, 1)
})

test('F41: the key is not known for a while', async () => {
  const order = agreed()
  toss.faults.add({ faults: ['unauthorized'], lastsMs: 60_000 })
  assert.equal(codeOf(await confirm(order)), '401 UNAUTHORIZED_KEY')
  toss.clock.advance(60_000)
  assert.equal((await confirm(order)).status, 200)
  toss.faults.remove()
})

test('the last digits of an amount, and the end of an order id, ask for faults of one call', async (t) => {
  const own = await openTossHouse(t, { amountsAsk: true })
  const outcomes: unknown[] = []
  for (const amount of [10_101, 10_102, 10_103, 10_150, 10_199]) {
    const order = { ...newOrder(amount) }
    const payment = { ...order, paymentKey: own.agree(order) }
    const first = await own.confirm(payment, { key: order.orderId })
    const second = await own.confirm(payment, { key: order.orderId })
    const { status } = (await own.call(`GET /v1/payments/orders/${order.orderId}`)).body
    outcomes.push([first.body?.code ?? first.error, second.body.code ?? 'DONE', status])
  }
  assert.deepEqual(outcomes, [
    ['REJECT_CARD_PAYMENT', 'REJECT_CARD_PAYMENT', 'ABORTED'],
    ['PROVIDER_ERROR', 'PROVIDER_ERROR', 'IN_PROGRESS'],
    ['PROVIDER_ERROR', 'PROVIDER_ERROR', 'DONE'],
    ['FAILED_INTERNAL_SYSTEM_PROCESSING', 'FAILED_INTERNAL_SYSTEM_PROCESSING', 'IN_PROGRESS'],
    ['ECONNRESET', 'DONE', 'DONE'],
  ])
  const order = { orderId: 'order-with-an-end__F13', amount: 15_000 }
  const payment = { ...order, paymentKey: own.agree(order) }
  assert.equal(codeOf(await own.confirm(payment)), '400 PROVIDER_ERROR')
  assert.equal(codeOf(await own.confirm(payment)), '400 ALREADY_PROCESSED_PAYMENT')
  const plain = { orderId: 'order-with-an-end__nothing', amount: 15_000 }
  assert.equal((await own.confirm({ ...plain, paymentKey: own.agree(plain) })).status, 200)
})

test('a schedule that is drawn by a seed is the same for the same orders, in whatever order they come', async (t) => {
  const run = async (seed: string, orders: readonly string[]) => {
    const own = await openTossHouse(t, { seed })
    own.toss.faults.add({ faults: ['declined', 'ambiguous-after-commit', 'unavailable'], match: { percent: 50 } })
    const outcomes = new Map<string, unknown>()
    for (const orderId of orders) {
      const { status, body } = await own.confirm({
        orderId,
        amount: 1_000,
        paymentKey: own.agree({ orderId, amount: 1_000 }),
      })
      outcomes.set(orderId, body?.code ?? status)
    }
    assert.deepEqual(own.toss.books.findFlaws(), [])
    return [...outcomes].sort()
  }
  const orders = Array.from({ length: 12 }, (_, index) => `drawn-${index}`)
  const first = await run('a seed', orders)
  assert.ok(new Set(first.map(([, outcome]) => outcome)).size > 2)
  assert.deepEqual(await run('a seed', orders.toReversed()), first)
  assert.notDeepEqual(await run('another', orders), first)
})

test('a fault that does not exist is named as such, with those that there are', async () => {
  const answer = await confirm(agreed(), { headers: { 'X-Sandbox-Fault': 'name=no-such-fault' } })
  assert.equal(answer.status, 400)
  assert.match(answer.body.message, /no fault "no-such-fault".*timeout-after-commit/)
})

test('after all of that, no order was charged twice, nor gave back more than it took', async () => {
  assert.deepEqual(toss.books.findFlaws(), [])
  const { charged, refunded, reversed, kept } = toss.books.totals()
  assert.equal(charged - refunded - reversed, kept)
  const paid = toss.till.list().filter(({ payment }) => payment.approvedAt !== null)
  const left = paid.reduce((sum, { payment }) => sum + toss.books.keptOf(payment.orderId), 0)
  assert.equal(left, kept)
})
