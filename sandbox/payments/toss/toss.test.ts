import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { until } from '#test/harness'
import { authorization, openTossHouse } from '#test/payment-house'
import { signPayout } from './index.ts'

const house = await openTossHouse({ after })
const { toss, call, agree, confirm } = house
let count = 0
const newOrder = (amount = 15_000) => {
  count += 1
  return { orderId: `order-${String(count).padStart(4, '0')}`, amount }
}
const pay = async (amount?: number) => {
  const order = newOrder(amount)
  const paymentKey = agree(order)
  const { status, body } = await confirm({ ...order, paymentKey })
  assert.equal(status, 200, JSON.stringify(body))
  return { ...order, paymentKey, payment: body }
}
const cancel = (paymentKey: string, body: object, headers = {}) =>
  call(`POST /v1/payments/${paymentKey}/cancel`, { body: { cancelReason: '단순 변심', ...body }, headers })
const codeOf = ({ status, body }: { status: number | null; body: { code: string } }) => `${status} ${body.code}`

test('a payment that is confirmed has every field of the contract, and the money is in the books', async () => {
  const { orderId, paymentKey, payment } = await pay()
  assert.deepEqual(Object.keys(payment).sort(), fields.sort())
  assert.deepEqual(
    [payment.status, payment.method, payment.totalAmount, payment.balanceAmount, payment.suppliedAmount, payment.vat],
    ['DONE', '카드', 15_000, 15_000, 13_636, 1_364],
  )
  assert.match(payment.approvedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+09:00$/)
  assert.equal(payment.card.issuerCode, '61')
  assert.ok(payment.paymentKey.length <= 200 && payment.lastTransactionKey.length <= 64 && payment.secret.length <= 50)
  assert.equal(toss.books.keptOf(orderId), 15_000)
  for (const path of [`/v1/payments/${paymentKey}`, `/v1/payments/orders/${orderId}`]) {
    assert.deepEqual((await call(`GET ${path}`)).body, payment)
  }
  await until('the shop is told', () => house.hooksOf(orderId).length === 1)
  const [hook] = house.hooksOf(orderId)
  assert.deepEqual([hook.eventType, hook.data], ['PAYMENT_STATUS_CHANGED', payment])
  assert.match(hook.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/)
})

test('whoever brings no right key is refused before anything else is looked at', async () => {
  const encode = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  assert.equal(authorization, encode(`${toss.merchant.secretKey}:`))
  const cases: [string, string][] = [
    ['401 UNAUTHORIZED_KEY', encode('test_sk_of_somebody_else:')],
    ['400 INVALID_API_KEY', encode(`${toss.merchant.clientKey}:`)],
    ['403 INCORRECT_BASIC_AUTH_FORMAT', encode(toss.merchant.secretKey)],
    ['403 INCORRECT_BASIC_AUTH_FORMAT', encode(`\uFEFF${toss.merchant.secretKey}:`)],
    ['403 INCORRECT_BASIC_AUTH_FORMAT', `Bearer ${toss.merchant.secretKey}`],
  ]
  for (const [expected, given] of cases) {
    const headers = { authorization: given, 'tossPayments-test-code': 'FDS_ERROR' }
    assert.equal(codeOf(await call('POST /v1/payments/confirm', { body: 'no JSON', headers })), expected)
  }
})

test('the test header forces every code of an API with its own status, and changes nothing', async () => {
  const { paymentKey, ...order } = await pay()
  const pending = newOrder()
  const agreed = { ...pending, paymentKey: agree(pending) }
  const routes = { confirm: 'POST /v1/payments/confirm', find: `GET /v1/payments/${paymentKey}`, cancel: '' }
  for (const [name, statuses] of Object.entries(published)) {
    const route = routes[name as keyof typeof routes] || `POST /v1/payments/${paymentKey}/cancel`
    const forced = Object.entries(statuses).flatMap(([status, codes]) =>
      codes.map((code) => [`${status} ${code}`, code] as const),
    )
    assert.ok(forced.length > 4)
    for (const [expected, code] of forced) {
      const headers = { 'TossPayments-Test-Code': code }
      const answer = await call(route, { body: agreed, headers })
      assert.equal(codeOf(answer), expected)
      assert.deepEqual(Object.keys(answer.body), ['code', 'message'])
    }
    const headers = { 'TossPayments-Test-Code': 'NO_SUCH_CODE' }
    assert.equal(codeOf(await call(route, { body: agreed, headers })), '400 INVALID_TEST_CODE')
  }
  assert.equal(toss.books.keptOf(order.orderId), order.amount)
  assert.equal((await confirm(agreed)).status, 200)
})

test('messages and what stands for kinds are Korean, or English for those who ask for it', async () => {
  const { paymentKey } = await pay()
  const headers = { 'accept-language': 'en-US' }
  const english = (await call(`GET /v1/payments/${paymentKey}`, { headers })).body
  assert.deepEqual([english.method, english.card.cardType, english.orderName], ['Card', 'Credit', '포도 한 상자'])
  const refused = await call('GET /v1/payments/nothing', { headers })
  assert.equal(refused.body.message, 'Not existing payment.')
  assert.equal((await call('GET /v1/payments/nothing')).body.message, '존재하지 않는 결제 입니다.')
})

test('what is not a confirmation is refused, and takes no money', async () => {
  const order = newOrder()
  const paymentKey = agree(order)
  const refusals: [string, object | string][] = [
    ['400 INVALID_REQUEST', 'no JSON'],
    ['400 INVALID_REQUEST', {}],
    ['400 INVALID_REQUEST', { ...order, paymentKey, amount: '15000' }],
    ['400 INVALID_REQUEST', { ...order, paymentKey, amount: 14_999 }],
    ['400 INVALID_REQUEST', { ...order, paymentKey, orderId: 'short' }],
    ['404 NOT_FOUND_PAYMENT', { ...order, paymentKey: 'of-nobody' }],
    ['404 NOT_FOUND_PAYMENT_SESSION', { ...order, paymentKey, orderId: 'another-order' }],
  ]
  for (const [expected, body] of refusals) {
    assert.equal(codeOf(await call('POST /v1/payments/confirm', { body })), expected, JSON.stringify(body))
  }
  assert.equal(toss.books.keptOf(order.orderId), 0)
  assert.equal((await confirm({ ...order, paymentKey })).status, 200)
  assert.equal(codeOf(await confirm({ ...order, paymentKey })), '400 ALREADY_PROCESSED_PAYMENT')
  const small = newOrder(99)
  assert.equal(codeOf(await confirm({ ...small, paymentKey: agree(small) })), '400 BELOW_MINIMUM_AMOUNT')
  assert.equal(codeOf(await call('DELETE /v1/payments/confirm')), '404 NOT_FOUND_HTTP_METHOD')
})

test('the worked example: 15,000 won, of which 5,000 and then the rest go back', async () => {
  const { paymentKey, orderId } = await pay(15_000)
  const first = (await cancel(paymentKey, { cancelAmount: 5_000, refundableAmount: 15_000 })).body
  assert.deepEqual(
    [first.status, first.balanceAmount, first.vat, first.suppliedAmount, first.cancels[0].refundableAmount],
    ['PARTIAL_CANCELED', 10_000, 909, 9_091, 10_000],
  )
  assert.equal(first.lastTransactionKey, first.cancels[0].transactionKey)
  assert.deepEqual(Object.keys(first.cancels[0]).sort(), cancelFields.sort())
  const { body } = await cancel(paymentKey, {})
  assert.deepEqual(
    [body.status, body.balanceAmount, body.vat, body.suppliedAmount, body.totalAmount],
    ['CANCELED', 0, 0, 0, 15_000],
  )
  assert.deepEqual([body.cancels[1].cancelAmount, body.cancels[1].refundableAmount], [10_000, 0])
  assert.equal(toss.books.keptOf(orderId), 0)
  assert.equal(codeOf(await cancel(paymentKey, {})), '400 ALREADY_CANCELED_PAYMENT')
  await until('the shop is told of all three', () => house.hooksOf(orderId).length === 3)
})

test('a cancellation that cannot be is refused, and gives nothing back', async () => {
  const { paymentKey, orderId } = await pay(15_000)
  const pending = agree(newOrder())
  const refusals: [string, string, object][] = [
    ['400 INVALID_REQUEST', paymentKey, { cancelReason: '' }],
    ['400 INVALID_REQUEST', paymentKey, { cancelReason: 'x'.repeat(201) }],
    ['400 INVALID_REQUEST', paymentKey, { cancelAmount: 0 }],
    ['400 NOT_MATCHES_REFUNDABLE_AMOUNT', paymentKey, { refundableAmount: 14_000 }],
    ['403 NOT_CANCELABLE_AMOUNT', paymentKey, { cancelAmount: 15_001 }],
    ['403 NOT_CANCELABLE_PAYMENT', pending, {}],
    ['404 NOT_FOUND_PAYMENT', 'of-nobody', {}],
  ]
  for (const [expected, key, body] of refusals) {
    assert.equal(codeOf(await cancel(key, body)), expected, JSON.stringify(body))
  }
  assert.equal(toss.books.keptOf(orderId), 15_000)
})

test('a virtual account takes its amount in its time, gives it back to an account, and may lose it again', async () => {
  const order = newOrder(30_000)
  const asked = { ...order, orderName: '포도', customerName: '김포도', bank: '국민' }
  const issued = (await call('POST /v1/virtual-accounts', { body: asked })).body
  const { paymentKey, secret } = issued
  assert.deepEqual(
    [issued.status, issued.approvedAt, issued.virtualAccount.bankCode],
    ['WAITING_FOR_DEPOSIT', null, '06'],
  )
  assert.match(issued.virtualAccount.accountNumber, /^X\d{1,19}$/)
  const account = (path: string, body: object = {}) =>
    call(`POST /sandbox/virtual-accounts/${paymentKey}/${path}`, { body })
  assert.equal((await account('deposit', { amount: 29_999 })).status, 409)
  assert.equal(toss.books.keptOf(order.orderId), 0)
  assert.equal((await account('deposit')).body.status, 'DONE')
  assert.equal((await account('reverse')).body.status, 'WAITING_FOR_DEPOSIT')
  assert.equal(toss.books.keptOf(order.orderId), 0)
  assert.equal((await account('deposit')).body.depositorName, undefined)
  assert.equal(codeOf(await cancel(paymentKey, {})), '400 INVALID_REFUND_ACCOUNT_INFO')
  const refundReceiveAccount = { bank: '88', accountNumber: '110123456789', holderName: '김포도' }
  const wrong = { ...refundReceiveAccount, accountNumber: '110-123' }
  assert.equal(codeOf(await cancel(paymentKey, { refundReceiveAccount: wrong })), '400 INVALID_REFUND_ACCOUNT_NUMBER')
  const unknown = { ...refundReceiveAccount, bank: '777' }
  assert.equal(codeOf(await cancel(paymentKey, { refundReceiveAccount: unknown })), '400 INVALID_BANK')
  const refunded = (await cancel(paymentKey, { refundReceiveAccount })).body
  assert.deepEqual([refunded.status, refunded.virtualAccount.refundStatus], ['CANCELED', 'PENDING'])
  await until('the shop is told', () => house.hooksOf(order.orderId).length === 8)
  const told = house.hooksOf(order.orderId).filter(({ eventType }) => eventType === undefined)
  const statuses = ['WAITING_FOR_DEPOSIT', 'DONE', 'WAITING_FOR_DEPOSIT', 'DONE', 'CANCELED']
  assert.deepEqual(told.map(({ status }) => status).sort(), statuses.sort())
  for (const hook of told) {
    assert.deepEqual(Object.keys(hook), ['createdAt', 'secret', 'status', 'transactionKey', 'orderId'])
    assert.equal(hook.secret, secret)
  }
  assert.deepEqual(toss.books.findFlaws(), [])
})

test('a virtual account that nobody paid can only be cancelled whole, and moves no money', async () => {
  const order = newOrder(30_000)
  const { paymentKey } = (await confirm({ ...order, paymentKey: agree({ ...order, method: '가상계좌' }) })).body
  const partial = await cancel(paymentKey, { cancelAmount: 10_000 })
  assert.equal(codeOf(partial), '403 NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT')
  assert.equal((await cancel(paymentKey, {})).body.status, 'CANCELED')
  assert.deepEqual(
    toss.books.list().filter(({ orderId }) => orderId === order.orderId),
    [],
  )
})

test('what is not a virtual account is refused', async () => {
  const asked = { ...newOrder(), orderName: '포도', customerName: '김포도', bank: '088' }
  const refusals: [string, object][] = [
    ['400 INVALID_BANK', { bank: '999' }],
    ['400 INVALID_REQUEST', { customerName: undefined }],
    ['400 EXCEED_MAX_VALID_HOURS', { validHours: 2_161 }],
    ['400 INVALID_VALID_HOURS_WITH_DUE_DATE_AND_SINGLE', { validHours: 1, dueDate: '2099-01-01' }],
    ['400 INVALID_DATE', { dueDate: '2001-01-01' }],
    ['400 EXCEED_MAX_DUE_DATE', { dueDate: '2099-01-01' }],
    ['400 BELOW_MINIMUM_AMOUNT', { amount: 199 }],
  ]
  for (const [expected, more] of refusals) {
    assert.equal(codeOf(await call('POST /v1/virtual-accounts', { body: { ...asked, ...more } })), expected)
  }
  assert.equal((await call('POST /v1/virtual-accounts', { body: asked })).status, 200)
  assert.equal(codeOf(await call('POST /v1/virtual-accounts', { body: asked })), '400 DUPLICATED_ORDER_ID')
})

test('an idempotency key gives the first answer again, whatever it was, for 15 days', async (t) => {
  const own = await openTossHouse(t)
  const order = newOrder()
  const paymentKey = own.agree(order)
  const first = await own.confirm({ ...order, paymentKey }, { key: 'a key' })
  assert.deepEqual((await own.confirm({ ...order, paymentKey }, { key: 'a key' })).body, first.body)
  assert.deepEqual((await own.confirm({ ...order, paymentKey, amount: 1 }, { key: 'a key' })).body, first.body)
  const headers = { 'idempotency-key': 'a key' }
  const body = { cancelReason: '취소', cancelAmount: 1_000 }
  const cancelled = await own.call(`POST /v1/payments/${paymentKey}/cancel`, { body, headers })
  assert.equal(cancelled.body.balanceAmount, 14_000)
  const refused = await own.confirm({ ...order, paymentKey }, { key: 'another' })
  assert.equal(codeOf(refused), '400 ALREADY_PROCESSED_PAYMENT')
  assert.equal(codeOf(await own.confirm({ ...order, paymentKey }, { key: 'another' })), '400 ALREADY_PROCESSED_PAYMENT')
  assert.equal(
    codeOf(await own.confirm({ ...order, paymentKey }, { key: 'k'.repeat(301) })),
    '400 INVALID_IDEMPOTENCY_KEY',
  )
  own.toss.clock.advance(15 * 86_400_000)
  const late = await own.confirm({ ...order, paymentKey }, { key: 'a key' })
  assert.equal(codeOf(late), '400 ALREADY_PROCESSED_PAYMENT')
  const strict = await openTossHouse(t, { rejectsOtherBody: true })
  const other = newOrder()
  const agreed = { ...other, paymentKey: strict.agree(other) }
  await strict.confirm(agreed, { key: 'a key' })
  assert.equal(codeOf(await strict.confirm({ ...agreed, amount: 1 }, { key: 'a key' })), '400 INVALID_REQUEST')
})

test('charges and cancellations are listed by page, and settled the day after', async (t) => {
  const noon = Date.parse('2026-01-02T12:00:00+09:00')
  const own = await openTossHouse(t, { nowMs: () => noon })
  const orders = [newOrder(10_000), newOrder(20_000), newOrder(30_000)]
  for (const order of orders) await own.confirm({ ...order, paymentKey: own.agree(order) })
  const { paymentKey } = (await own.call(`GET /v1/payments/orders/${orders[0]!.orderId}`)).body
  await own.call(`POST /v1/payments/${paymentKey}/cancel`, { body: { cancelReason: '취소', cancelAmount: 4_000 } })
  const list = async (query: string) => (await own.call(`GET /v1/transactions?${query}`)).body
  const day = 'startDate=2026-01-02&endDate=2026-01-02T23:59:59'
  const rows = await list(day)
  assert.deepEqual(
    rows.map(({ amount, status, transactionAt }: Record<string, unknown>) => [amount, status, transactionAt]),
    [
      [10_000, 'DONE', '2026-01-02T12:00:00+09:00'],
      [20_000, 'DONE', '2026-01-02T12:00:00+09:00'],
      [30_000, 'DONE', '2026-01-02T12:00:00+09:00'],
      [4_000, 'PARTIAL_CANCELED', '2026-01-02T12:00:00+09:00'],
    ],
  )
  assert.deepEqual(Object.keys(rows[0]).sort(), transactionFields.sort())
  const paged = await list(`${day}&limit=2&startingAfter=${rows[0].transactionKey}`)
  assert.deepEqual(paged, rows.slice(1, 3))
  assert.deepEqual(await list('startDate=2026-01-03&endDate=2026-01-04'), [])
  for (const [query, code] of [
    ['startDate=2026-01-02', 'INVALID_REQUEST'],
    ['startDate=yesterday&endDate=2026-01-02', 'INVALID_ISO_DATE_FORMAT'],
    [`${day}&limit=5001`, 'EXCEED_MAX_QUERY_LIMIT'],
    [`${day}&startingAfter=nothing`, 'INVALID_PAGING_KEY'],
  ] as const) {
    assert.equal((await list(query)).code, code)
  }
  const settle = async (query: string) => (await own.call(`GET /v1/settlements?${query}`)).body
  const sold = 'startDate=2026-01-02&endDate=2026-01-02'
  assert.deepEqual(await settle(sold), [])
  own.toss.clock.advance(86_400_000)
  const settled = await settle(sold)
  assert.deepEqual(Object.keys(settled[0]).sort(), settlementFields.sort())
  assert.deepEqual(
    settled.map(({ amount, payOutAmount, vat, cancel }: Record<string, unknown>) => [
      amount,
      payOutAmount,
      vat,
      !!cancel,
    ]),
    [
      [10_000, 9_681, 29, false],
      [20_000, 19_362, 58, false],
      [30_000, 29_043, 87, false],
      [-4_000, -3_872, -12, true],
    ],
  )
  assert.deepEqual(await settle(`${sold}&page=2&size=3`), settled.slice(3))
  assert.deepEqual(await settle('startDate=2026-01-04&endDate=2026-01-04&dateType=paidOutDate'), settled)
})

test('what nobody goes on with expires: the window after 30 minutes, what was agreed after 10', async (t) => {
  const own = await openTossHouse(t)
  const [open, agreed, late] = [newOrder(), newOrder(), newOrder()]
  const { paymentKey } = own.toss.till.start({ ...open, orderName: '포도' }).payment
  const inTime = own.agree(agreed)
  own.toss.clock.advance(595_000)
  const tooLate = { ...late, paymentKey: own.agree(late) }
  assert.equal((await own.confirm({ ...agreed, paymentKey: inTime })).status, 200)
  own.toss.clock.advance(601_000)
  assert.equal(codeOf(await own.confirm(tooLate)), '404 NOT_FOUND_PAYMENT_SESSION')
  const expired = (await own.call(`GET /v1/payments/orders/${late.orderId}`)).body
  assert.deepEqual([expired.status, expired.failure.code], ['EXPIRED', 'EXPIRED_PAYMENT'])
  assert.equal((await own.call(`GET /v1/payments/${paymentKey}`)).body.status, 'READY')
  own.toss.clock.advance(605_000)
  assert.equal((await own.call(`GET /v1/payments/${paymentKey}`)).body.status, 'EXPIRED')
  await until('the shop is told', () => own.hooksOf(late.orderId).length + own.hooksOf(open.orderId).length === 2)
})

test('the signature of payouts is that of the published rule', () => {
  const signed = { body: '{"eventType":"payout.changed"}', time: '2026-01-02T03:04:05+09:00' }
  const expected = 'v1:kGrBpkp3GqpBL/CbCX/KDW4gim1NZP5t10nc8AeFDO8='
  assert.equal(signPayout({ key: 'toss_security_key', ...signed }), expected)
})

test('whatever was done here, no order was charged twice, nor gave back more than it took', () => {
  assert.ok(toss.books.totals().charged > 0)
  assert.deepEqual(toss.books.findFlaws(), [])
})

const fields = words(`
  version paymentKey type orderId orderName mId currency method totalAmount balanceAmount status requestedAt
  approvedAt useEscrow lastTransactionKey suppliedAmount vat taxFreeAmount taxExemptionAmount cultureExpense
  cancels isPartialCancelable card virtualAccount secret mobilePhone giftCertificate transfer easyPay metadata
  receipt checkout country failure cashReceipt cashReceipts discount
`)
const cancelFields = words(`
  cancelAmount cancelReason taxFreeAmount taxExemptionAmount refundableAmount cardDiscountAmount
  transferDiscountAmount easyPayDiscountAmount canceledAt transactionKey receiptKey cancelStatus cancelRequestId
`)
const transactionFields = words(`
  mId transactionKey paymentKey orderId method customerKey useEscrow receiptUrl status transactionAt currency
  amount
`)
const settlementFields = words(`
  mId paymentKey transactionKey orderId currency method amount interestFee fees supplyAmount vat payOutAmount
  approvedAt soldDate paidOutDate card easyPay giftCertificate mobilePhone transfer virtualAccount cancel
`)

/** As the contract lists them. */
const published: Record<string, Record<number, string[]>> = {
  confirm: {
    400: words(`
      ALREADY_PROCESSED_PAYMENT PROVIDER_ERROR EXCEED_MAX_CARD_INSTALLMENT_PLAN INVALID_REQUEST
      NOT_ALLOWED_POINT_USE INVALID_API_KEY INVALID_REJECT_CARD BELOW_MINIMUM_AMOUNT INVALID_CARD_EXPIRATION
      INVALID_STOPPED_CARD EXCEED_MAX_DAILY_PAYMENT_COUNT NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT
      INVALID_CARD_INSTALLMENT_PLAN NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN EXCEED_MAX_PAYMENT_AMOUNT
      NOT_FOUND_TERMINAL_ID INVALID_AUTHORIZE_AUTH INVALID_CARD_LOST_OR_STOLEN RESTRICTED_TRANSFER_ACCOUNT
      INVALID_CARD_NUMBER INVALID_UNREGISTERED_SUBMALL NOT_REGISTERED_BUSINESS
      EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT CARD_PROCESSING_ERROR
      EXCEED_MAX_AMOUNT INVALID_ACCOUNT_INFO_RE_REGISTER NOT_AVAILABLE_PAYMENT UNAPPROVED_ORDER_ID
      EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT
    `),
    401: words('UNAUTHORIZED_KEY'),
    403: words(`
      REJECT_ACCOUNT_PAYMENT REJECT_CARD_PAYMENT REJECT_CARD_COMPANY FORBIDDEN_REQUEST
      REJECT_TOSSPAY_INVALID_ACCOUNT EXCEED_MAX_AUTH_COUNT EXCEED_MAX_ONE_DAY_AMOUNT NOT_AVAILABLE_BANK
      INVALID_PASSWORD INCORRECT_BASIC_AUTH_FORMAT FDS_ERROR
    `),
    404: words('NOT_FOUND_PAYMENT NOT_FOUND_PAYMENT_SESSION'),
    500: words(`
      FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING FAILED_INTERNAL_SYSTEM_PROCESSING UNKNOWN_PAYMENT_ERROR
    `),
  },
  find: {
    400: words('NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN_BELOW_AMOUNT'),
    401: words('UNAUTHORIZED_KEY'),
    403: words('FORBIDDEN_CONSECUTIVE_REQUEST INCORRECT_BASIC_AUTH_FORMAT'),
    404: words('NOT_FOUND_PAYMENT NOT_FOUND'),
    500: words('FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING'),
  },
  cancel: {
    400: words(`
      ALREADY_CANCELED_PAYMENT INVALID_REFUND_ACCOUNT_INFO EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT
      INVALID_REQUEST INVALID_REFUND_ACCOUNT_NUMBER INVALID_BANK NOT_MATCHES_REFUNDABLE_AMOUNT PROVIDER_ERROR
      REFUND_REJECTED ALREADY_REFUND_PAYMENT FORBIDDEN_BANK_REFUND_REQUEST
    `),
    401: words('UNAUTHORIZED_KEY'),
    403: words(`
      NOT_CANCELABLE_AMOUNT FORBIDDEN_CONSECUTIVE_REQUEST FORBIDDEN_REQUEST NOT_CANCELABLE_PAYMENT
      EXCEED_MAX_REFUND_DUE NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT NOT_ALLOWED_PARTIAL_REFUND
      NOT_AVAILABLE_BANK NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER EXCEED_MAX_REFUND_AMOUNT
    `),
    404: words('NOT_FOUND_PAYMENT'),
    500: words(`
      FAILED_INTERNAL_SYSTEM_PROCESSING FAILED_REFUND_PROCESS FAILED_METHOD_HANDLING_CANCEL
      FAILED_PARTIAL_REFUND COMMON_ERROR FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING
    `),
  },
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
