import type { Asked } from '../faults.ts'
import { type Call, type Operation, type Parts, Refused } from '../floor.ts'
import type { Answer } from '../sockets.ts'
import type { Run } from './door.ts'
import { findBank, inLanguage, type Payment } from './payment.ts'
import type { CancelAsked } from './refunds.ts'
import type { Row } from './shelf.ts'
import type { Till } from './till.ts'
import type { Transactions } from './transactions.ts'

interface Behind {
  readonly till: Till
  readonly transactions: Transactions
  readonly nowMs: () => number
  readonly guard: (name: string, run: Run) => Run
}

/** The provider's API. */
export function listOperations({ till, transactions, nowMs, guard }: Behind): Operation[] {
  const aboutOrder = (parts: Parts) => aboutRow(till.findByOrder(parts.params.orderId ?? ''), parts)
  const aboutPayment = (parts: Parts) => aboutRow(till.find(keyOf(parts)), parts)
  const aboutIssue = (parts: Parts) => ({ ...aboutRow(undefined, parts), payMethod: '가상계좌' })
  const aboutList = () => ({})
  const operation = (route: `${'GET' | 'POST'} ${string}`, by: Pick<Operation, 'name' | 'about'> & { run: Run }) => {
    const [method, path] = route.split(' ') as ['GET' | 'POST', string]
    const guarded = guard(by.name, by.run)
    return { method, path, name: by.name, about: by.about, run: async (call: Call) => guarded(call) }
  }
  return [
    operation('POST /v1/payments/confirm', {
      name: 'confirm',
      about: aboutPayment,
      run: (call) => confirm(till, call),
    }),
    operation('GET /v1/payments/orders/:orderId', {
      name: 'find',
      about: aboutOrder,
      run: (call) => answerRow(till.findByOrder(call.params.orderId!), call),
    }),
    operation('GET /v1/payments/:paymentKey', {
      name: 'find',
      about: aboutPayment,
      run: (call) => answerRow(till.find(call.params.paymentKey!), call),
    }),
    operation('POST /v1/payments/:paymentKey/cancel', {
      name: 'cancel',
      about: aboutPayment,
      run: (call) => cancel(till, call),
    }),
    operation('POST /v1/virtual-accounts', {
      name: 'issue',
      about: aboutIssue,
      run: (call) => issue({ till, nowMs: nowMs() }, call),
    }),
    operation('GET /v1/transactions', {
      name: 'transactions',
      about: aboutList,
      run: ({ query }) =>
        ok(transactions.list({ ...toList(query, 'limit'), startingAfter: query.get('startingAfter') })),
    }),
    operation('GET /v1/settlements', {
      name: 'settlements',
      about: aboutList,
      run: ({ query }) => ok(transactions.listSettlements(toSettlementList(query))),
    }),
  ]
}

async function confirm(till: Till, call: Call): Promise<Answer> {
  const { paymentKey, orderId, amount } = toFields(call.body)
  if (!isText(paymentKey, 200) || !isOrderId(orderId) || !isAmount(amount)) throw new Refused('INVALID_REQUEST')
  try {
    await call.reach('before-commit')
  } catch (error) {
    if (error instanceof Refused) till.decline(paymentKey, error.code)
    throw error
  }
  const payment = till.confirm({ paymentKey, orderId, amount })
  await call.reach('before-answer')
  return answer(payment, call)
}

async function cancel(till: Till, call: Call): Promise<Answer> {
  const asked = toCancel(toFields(call.body))
  await call.reach('before-commit')
  const payment = till.cancel(call.params.paymentKey!, asked)
  await call.reach('before-answer')
  return answer(payment, call)
}

const hoursMax = 2_160
const hoursDefault = 168
const dueMsMax = 90 * 86_400_000

async function issue({ till, nowMs }: { till: Till; nowMs: number }, call: Call): Promise<Answer> {
  const { amount, orderId, orderName, customerName, bank, validHours, dueDate } = toFields(call.body)
  const isRight = isAmount(amount) && isOrderId(orderId) && isText(orderName, 100) && isText(customerName, 100)
  if (!isRight) throw new Refused('INVALID_REQUEST')
  const bankCode = findBank(bank)
  if (bankCode === null) throw new Refused('INVALID_BANK')
  if (validHours !== undefined && dueDate !== undefined) {
    throw new Refused('INVALID_VALID_HOURS_WITH_DUE_DATE_AND_SINGLE')
  }
  const hours = Number(validHours ?? hoursDefault)
  if (!(hours > 0)) throw new Refused('INVALID_REQUEST')
  if (hours > hoursMax) throw new Refused('EXCEED_MAX_VALID_HOURS')
  const dueMs = dueDate === undefined ? nowMs + hours * 3_600_000 : toKoreanMs(dueDate)
  if (dueMs === null || dueMs <= nowMs) throw new Refused('INVALID_DATE')
  if (dueMs > nowMs + dueMsMax) throw new Refused('EXCEED_MAX_DUE_DATE')
  await call.reach('before-commit')
  const means = { method: '가상계좌', bankCode, customerName } as const
  const payment = till.issue({ orderId, orderName, amount }, { means, dueMs })
  await call.reach('before-answer')
  return answer(payment, call)
}

function answerRow(row: Row | undefined, call: Call): Answer {
  if (!row) throw new Refused('NOT_FOUND_PAYMENT')
  return answer(row.payment, call)
}

function answer(payment: Payment, { language }: Call): Answer {
  return ok(inLanguage(payment, language))
}

function ok(body: unknown): Answer {
  return { status: 200, body }
}

function keyOf({ params, body }: Parts): string {
  return params.paymentKey ?? String(toFields(body).paymentKey ?? '')
}

function aboutRow(row: Row | undefined, { body, params }: Parts): Partial<Asked> {
  const { orderId, amount, cancelAmount } = toFields(body)
  const given = cancelAmount ?? amount
  return {
    orderId: row?.payment.orderId ?? params.orderId ?? (isOrderId(orderId) ? orderId : null),
    paymentKey: row?.payment.paymentKey ?? null,
    amount: typeof given === 'number' ? given : null,
    payMethod: row?.means?.method ?? null,
    issuer: row?.means?.issuerCode ?? null,
  }
}

type Fields = Readonly<Record<string, unknown>>

function toFields(body: unknown): Fields {
  return typeof body === 'object' && body !== null ? (body as Fields) : {}
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= lengthMax
}

function isOrderId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{6,64}$/.test(value)
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function toCancel({ cancelReason, cancelAmount, refundableAmount, refundReceiveAccount }: Fields): CancelAsked {
  const isRight =
    isText(cancelReason, 200) &&
    (cancelAmount === undefined || cancelAmount === null || isAmount(cancelAmount)) &&
    (refundableAmount === undefined || typeof refundableAmount === 'number')
  if (!isRight) throw new Refused('INVALID_REQUEST')
  return {
    reason: cancelReason,
    amount: isAmount(cancelAmount) ? cancelAmount : null,
    refundableAmount: refundableAmount ?? null,
    account: refundReceiveAccount === undefined ? null : toAccount(toFields(refundReceiveAccount)),
  }
}

function toAccount({ bank, accountNumber, holderName }: Fields): NonNullable<CancelAsked['account']> {
  const bankCode = findBank(bank)
  if (bankCode === null) throw new Refused('INVALID_BANK')
  if (typeof accountNumber !== 'string' || !/^\d{1,20}$/.test(accountNumber)) {
    throw new Refused('INVALID_REFUND_ACCOUNT_NUMBER')
  }
  if (!isText(holderName, 60)) throw new Refused('INVALID_REFUND_ACCOUNT_INFO')
  return { bankCode, accountNumber, holderName }
}

const limitDefault = 100
const limitMax = 5_000

function toList(query: URLSearchParams, sizeName: string): { fromMs: number; toMs: number; limit: number } {
  const [start, end] = [query.get('startDate'), query.get('endDate')]
  if (start === null || end === null) throw new Refused('INVALID_REQUEST')
  const [fromMs, toMs] = [toKoreanMs(start), toKoreanMs(end)]
  if (fromMs === null || toMs === null) throw new Refused('INVALID_ISO_DATE_FORMAT')
  const limit = Number(query.get(sizeName) ?? limitDefault)
  if (!Number.isInteger(limit) || limit < 1) throw new Refused('INVALID_REQUEST')
  if (limit > limitMax) throw new Refused('EXCEED_MAX_QUERY_LIMIT')
  return { fromMs, toMs, limit }
}

function toSettlementList(query: URLSearchParams) {
  const page = Number(query.get('page') ?? 1)
  const dateType = query.get('dateType') ?? 'soldDate'
  const isKnown = dateType === 'soldDate' || dateType === 'paidOutDate'
  if (!Number.isInteger(page) || page < 1 || !isKnown) throw new Refused('INVALID_REQUEST')
  return { ...toList(query, 'size'), page, dateType } as const
}

/** A local time of Korea; a day is its beginning. */
function toKoreanMs(value: unknown): number | null {
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?$/.test(value)
  if (!isTime) return null
  const ms = Date.parse(`${value.length === 10 ? `${value}T00:00:00` : value}+09:00`)
  return Number.isNaN(ms) ? null : ms
}
