import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Label, Language } from '../catalogue.ts'
import { done, readInput } from '../control.ts'
import { type Floor, Refused } from '../floor.ts'
import { button, escapeHtml, languageOf, sendPage, standsIn, table } from '../pages.ts'
import type { Merchant } from './door.ts'
import { messageOf } from './errors.ts'
import { banks, findBank, issuers, type Means, type Payment } from './payment.ts'
import { sdk } from './sdk.ts'
import type { Row } from './shelf.ts'
import type { Till } from './till.ts'

const texts = {
  ko: {
    title: '토스페이먼츠 결제',
    card: '카드로 결제',
    account: '가상계좌 발급받기',
    issuer: '카드사',
    bank: '은행',
    refuse: '카드사 거절',
    abort: '결제 중 오류',
    cancel: '닫기',
    fault: '승인할 때 일부러 낼 오류',
    none: '없음',
    tamper: '돌아갈 주소의 금액을 바꿉니다',
    late: '10분 넘게 기다렸다가 돌아갑니다',
    refused: '결제창을 열 수 없습니다',
    over: '이미 끝난 결제입니다',
    accounts: '입금을 기다리는 가상계좌',
    paid: '입금된 가상계좌',
    deposit: '입금',
    reverse: '입금 취소',
    refunds: '보내는 중인 환불',
    failRefund: '환불 실패',
    payments: '최근 결제',
  },
  en: {
    title: 'Toss Payments',
    card: 'Pay by card',
    account: 'Get a virtual account',
    issuer: 'Card company',
    bank: 'Bank',
    refuse: 'The card company refuses',
    abort: 'It fails on the way',
    cancel: 'Close',
    fault: 'What shall go wrong when it is confirmed',
    none: 'Nothing',
    tamper: 'Change the amount in the address to go back to',
    late: 'Go back after more than 10 minutes',
    refused: 'The payment window cannot be opened',
    over: 'This payment is over',
    accounts: 'Virtual accounts that wait for a deposit',
    paid: 'Virtual accounts that were paid',
    deposit: 'Deposit',
    reverse: 'Reverse',
    refunds: 'Refunds on their way',
    failRefund: 'The refund fails',
    payments: 'Latest payments',
  },
}

/** What the window needs. */
export interface Windows extends Floor {
  readonly till: Till
  readonly merchant: Merchant
  /** Faults of a confirmation that a buyer can choose, with what they are called. */
  readonly faultNames: readonly (readonly [string, Label])[]
}

const lateMs = 10 * 60_000 + 1_000

/** The payment window, the script that opens it, and what a developer centre has buttons for. */
export function addWindow(app: FastifyInstance, by: Windows): void {
  const { base, till } = by
  const at = (path: string) => `${base}/sandbox${path}`
  app.get(at('/sdk.js'), (_request, reply) => reply.type('text/javascript; charset=utf-8').send(sdk))
  app.get(at('/checkout'), (request, reply) => {
    const asked = Object.fromEntries(new URL(request.url, 'http://localhost').searchParams)
    const flaw = findFlaw(asked, by)
    if (flaw !== null) return refusePage(reply, { reason: flaw, language: languageOf(request) })
    const { orderId = '', orderName = '', successUrl = '', failUrl = '' } = asked
    const { payment } = till.start({ orderId, orderName, amount: Number(asked.amount) }, { successUrl, failUrl })
    return reply.redirect(at(`/checkout/${payment.paymentKey}`), 303)
  })
  app.get(at('/checkout/:paymentKey'), (request, reply) => {
    const row = till.find(paymentKeyOf(request))
    const language = languageOf(request)
    if (row?.payment.status !== 'READY') return refusePage(reply, { reason: texts[language].over, language })
    return showWindow(reply, { ...by, row, language })
  })
  app.post(at('/checkout/:paymentKey'), (request, reply) => {
    const row = till.find(paymentKeyOf(request))
    const language = languageOf(request)
    if (row?.payment.status !== 'READY') return refusePage(reply, { reason: texts[language].over, language })
    return reply.redirect(decide(by, { row, chosen: readInput(request), language }), 303)
  })
  // The window without a browser, for tests: the buyer has agreed.
  app.post(at('/payments'), (request, reply) => {
    const { orderId, orderName = '주문', amount, method, issuerCode, bankCode } = readInput(request)
    const order = { orderId: String(orderId), orderName: String(orderName), amount: Number(amount) }
    const flaw = findFlaw({ ...order, clientKey: by.merchant.clientKey, amount: String(amount) }, by)
    if (flaw !== null) return reply.code(400).send({ error: flaw })
    const { paymentKey } = till.start(order).payment
    till.authenticate(paymentKey, meansOf({ method, issuerCode, bankCode }))
    return reply.send({ paymentKey, orderId: order.orderId, amount: order.amount, paymentType: 'NORMAL' })
  })
  app.get(at('/payments'), async () => ({ items: till.list().map(({ payment }) => payment) }))
  const change = (path: string, run: (paymentKey: string, request: FastifyRequest) => Payment) =>
    app.post(at(`/virtual-accounts/:paymentKey/${path}`), (request, reply) => {
      try {
        return done(run(paymentKeyOf(request), request), { request, reply, base })
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        const isKnown = error.code !== 'NOT_FOUND_PAYMENT'
        return reply.code(isKnown ? 409 : 404).send({ error: messageOf(error.code, languageOf(request)) })
      }
    })
  change('deposit', (key, request) =>
    till.deposit(key, Number(readInput(request).amount ?? till.find(key)?.payment.totalAmount)),
  )
  change('reverse', (key) => till.reverse(key))
  change('fail-refund', (key) => till.failRefund(key))
}

/** What people may do with virtual accounts, and what was paid, on the control page. */
export function sectionsOf({ base, till }: Pick<Windows, 'base' | 'till'>, language: Language): string {
  const text = texts[language]
  const payments = till.list().map(({ payment }) => payment)
  const rowsOf = (path: string, { label, which }: { label: string; which: (payment: Payment) => boolean }) =>
    payments.filter(which).map(({ orderId, totalAmount, virtualAccount, paymentKey }) => {
      const action = `${base}/sandbox/virtual-accounts/${paymentKey}/${path}`
      const account = `${banks[virtualAccount!.bankCode]} ${virtualAccount!.accountNumber}`
      return [escapeHtml(orderId), won(totalAmount, language), account, button(action, { text: label })]
    })
  const isWaiting = ({ status }: Payment) => status === 'WAITING_FOR_DEPOSIT'
  const isPaid = ({ status, virtualAccount }: Payment) => status === 'DONE' && virtualAccount !== null
  const isRefunding = ({ virtualAccount }: Payment) => virtualAccount?.refundStatus === 'PENDING'
  const latest = payments.slice(-20).reverse()
  return [
    table(text.accounts, rowsOf('deposit', { label: text.deposit, which: isWaiting })),
    table(text.paid, rowsOf('reverse', { label: text.reverse, which: isPaid })),
    table(text.refunds, rowsOf('fail-refund', { label: text.failRefund, which: isRefunding })),
    table(
      text.payments,
      latest.map(({ orderId, totalAmount, balanceAmount, status }) => [
        escapeHtml(orderId),
        won(totalAmount, language),
        won(balanceAmount, language),
        status,
      ]),
    ),
  ].join('\n')
}

/** What is wrong with what the shop asks; a browser is not sent to an address that nobody vouches for. */
function findFlaw(asked: Record<string, unknown>, { merchant, returnOrigins, till }: Windows): string | null {
  const { clientKey, orderId, amount, successUrl, failUrl } = asked
  if (clientKey !== merchant.clientKey) return 'clientKey'
  if (!/^[A-Za-z0-9_-]{6,64}$/.test(String(orderId))) return 'orderId'
  if (!/^[1-9]\d{0,9}$/.test(String(amount))) return 'amount'
  const row = till.findByOrder(String(orderId))
  if (row && row.payment.lastTransactionKey !== null) return 'DUPLICATED_ORDER_ID'
  for (const url of [successUrl, failUrl]) {
    if (url === undefined && successUrl === undefined && failUrl === undefined) continue
    const parsed = URL.canParse(String(url)) ? new URL(String(url)) : null
    if (!parsed || !/^https?:$/.test(parsed.protocol)) return 'successUrl, failUrl'
    if (returnOrigins && !returnOrigins.includes(parsed.origin)) return 'successUrl, failUrl'
  }
  return null
}

function meansOf({ method, issuerCode, bankCode }: Record<string, unknown>): Means {
  if (method === '가상계좌') return { method, bankCode: findBank(bankCode) ?? '06' }
  return { method: '카드', issuerCode: String(issuerCode ?? '61') }
}

interface Decision {
  readonly row: Row
  readonly chosen: Record<string, unknown>
  readonly language: Language
}

/** Where the browser goes after the buyer has decided. */
function decide(by: Windows, { row, chosen, language }: Decision): string {
  const { till, faults } = by
  const { paymentKey, orderId, totalAmount } = row.payment
  const { decision, fault, tamper, late, issuerCode, bankCode } = chosen
  const fail = (code: string, more: Record<string, string>) =>
    withQuery(row.failUrl!, { code, message: messageOf(code, language), ...more })
  // Closing the window changes nothing; the payment goes on until its time is over.
  if (decision === 'cancel') return fail('PAY_PROCESS_CANCELED', {})
  if (decision === 'refuse' || decision === 'abort') {
    const code = decision === 'refuse' ? 'REJECT_CARD_COMPANY' : 'PAY_PROCESS_ABORTED'
    till.abort(paymentKey, code)
    return fail(code, { orderId })
  }
  const means = meansOf({ method: decision === 'account' ? '가상계좌' : '카드', issuerCode, bankCode })
  till.authenticate(paymentKey, { ...means, ...(late !== undefined && { agoMs: lateMs }) })
  if (typeof fault === 'string')
    faults.add({ match: { key: orderId, operation: 'confirm' }, faults: [fault], times: 1 })
  const amount = String(tamper === undefined ? totalAmount : totalAmount - 1)
  return withQuery(row.successUrl!, { paymentKey, orderId, amount, paymentType: 'NORMAL' })
}

function showWindow(reply: FastifyReply, by: Windows & { row: Row; language: Language }): FastifyReply {
  const { base, row, language, faultNames } = by
  const text = texts[language]
  const { paymentKey, orderName, totalAmount } = row.payment
  const options = (names: Readonly<Record<string, string>>) =>
    Object.entries(names)
      .map(([code, name]) => `<option value="${code}">${escapeHtml(name)}</option>`)
      .join('')
  const faults = faultNames.map(([name, label]) => `<option value="${name}">${escapeHtml(label[language])}</option>`)
  const check = (name: string, label: string) =>
    `<label><input type="checkbox" name="${name}" value="yes"> ${label}</label>`
  const content = `<main class="window"><h1>${text.title}</h1>
<p>${escapeHtml(orderName)}<p class="amount">${won(totalAmount, language)}
<form method="post" action="${base}/sandbox/checkout/${escapeHtml(paymentKey)}">
<label>${text.issuer} <select name="issuerCode">${options(issuers)}</select></label>
<button class="first" name="decision" value="card">${text.card}</button>
<label>${text.bank} <select name="bankCode">${options(banks)}</select></label>
<button class="first" name="decision" value="account">${text.account}</button>
<p><button name="decision" value="refuse">${text.refuse}</button>
<button name="decision" value="abort">${text.abort}</button>
<button name="decision" value="cancel">${text.cancel}</button>
<fieldset><label>${text.fault}
<select name="fault"><option value="">${text.none}</option>${faults.join('')}</select></label>
${check('tamper', text.tamper)}${check('late', text.late)}</fieldset></form>
<p><small>${standsIn[language]}</small></main>`
  return sendPage(reply, { title: text.title, language, content })
}

function refusePage(reply: FastifyReply, { reason, language }: { reason: string; language: Language }): FastifyReply {
  const title = texts[language].refused
  const content = `<main class="window"><h1>${title}</h1><p>${escapeHtml(reason)}</main>`
  return sendPage(reply, { title, language, content, status: 400 })
}

function won(amount: number, language: Language): string {
  return language === 'ko' ? `${amount.toLocaleString('ko-KR')}원` : `₩${amount.toLocaleString('en-US')}`
}

function withQuery(url: string, query: Record<string, string>): string {
  const target = new URL(url)
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
  return target.href
}

function paymentKeyOf({ params }: FastifyRequest): string {
  return (params as { paymentKey: string }).paymentKey
}
