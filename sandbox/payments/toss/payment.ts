import type { Language } from '../catalogue.ts'

/** One cancellation, as the wire has it. */
export interface Cancel {
  readonly cancelAmount: number
  readonly cancelReason: string
  readonly taxFreeAmount: number
  readonly taxExemptionAmount: number
  /** What was left after it. */
  readonly refundableAmount: number
  readonly cardDiscountAmount: number
  readonly transferDiscountAmount: number
  readonly easyPayDiscountAmount: number
  readonly canceledAt: string
  readonly transactionKey: string
  readonly receiptKey: string | null
  readonly cancelStatus: 'DONE'
  readonly cancelRequestId: string | null
}

export interface VirtualAccount {
  readonly accountType: string
  readonly accountNumber: string
  readonly bankCode: string
  readonly customerName: string
  readonly depositorName: string | null
  readonly dueDate: string
  readonly refundStatus: 'NONE' | 'PENDING' | 'FAILED' | 'PARTIAL_FAILED' | 'COMPLETED'
  readonly expired: boolean
  readonly settlementStatus: 'INCOMPLETED' | 'COMPLETED'
  readonly refundReceiveAccount: { bankCode: string; accountNumber: string; holderName: string } | null
}

export type Status =
  | 'READY'
  | 'IN_PROGRESS'
  | 'WAITING_FOR_DEPOSIT'
  | 'DONE'
  | 'CANCELED'
  | 'PARTIAL_CANCELED'
  | 'ABORTED'
  | 'EXPIRED'

/** A payment, as the wire has it in Korean. */
export interface Payment {
  readonly version: string
  readonly paymentKey: string
  readonly type: string
  readonly orderId: string
  readonly orderName: string
  readonly mId: string
  readonly currency: string
  readonly method: string | null
  readonly totalAmount: number
  readonly balanceAmount: number
  readonly status: Status
  readonly requestedAt: string
  readonly approvedAt: string | null
  readonly useEscrow: boolean
  readonly lastTransactionKey: string | null
  readonly suppliedAmount: number
  readonly vat: number
  readonly taxFreeAmount: number
  readonly taxExemptionAmount: number
  readonly cultureExpense: boolean
  readonly cancels: readonly Cancel[] | null
  readonly isPartialCancelable: boolean
  readonly card: Readonly<Record<string, unknown>> | null
  readonly virtualAccount: VirtualAccount | null
  readonly secret: string | null
  readonly mobilePhone: null
  readonly giftCertificate: null
  readonly transfer: null
  readonly easyPay: null
  readonly metadata: Readonly<Record<string, string>> | null
  readonly receipt: { readonly url: string } | null
  readonly checkout: { readonly url: string }
  readonly country: string
  readonly failure: { readonly code: string; readonly message: string } | null
  readonly cashReceipt: null
  readonly cashReceipts: null
  readonly discount: null
}

/** How somebody pays. */
export interface Means {
  readonly method: '카드' | '가상계좌'
  /** Of the card, two characters. */
  readonly issuerCode?: string
  /** Of the virtual account. */
  readonly bankCode?: string
  readonly customerName?: string
  /** How long ago the buyer agreed. */
  readonly agoMs?: number
}

/** What an order is, when its payment begins. */
export interface Order {
  readonly orderId: string
  readonly orderName: string
  readonly amount: number
}

/** Tax of what is left of a payment: 15,000 won are 13,636 and 1,364. */
export function taxOf(amount: number): { vat: number; suppliedAmount: number } {
  const vat = Math.round(amount / 11)
  return { vat, suppliedAmount: amount - vat }
}

/** A payment as it begins. */
export function newPayment(
  { orderId, orderName, amount }: Order,
  by: { paymentKey: string; mId: string; at: string },
): Payment {
  return {
    version: '2022-11-16',
    paymentKey: by.paymentKey,
    type: 'NORMAL',
    orderId,
    orderName,
    mId: by.mId,
    currency: 'KRW',
    method: null,
    totalAmount: amount,
    balanceAmount: amount,
    status: 'READY',
    requestedAt: by.at,
    approvedAt: null,
    useEscrow: false,
    lastTransactionKey: null,
    ...taxOf(amount),
    taxFreeAmount: 0,
    taxExemptionAmount: 0,
    cultureExpense: false,
    cancels: null,
    isPartialCancelable: true,
    card: null,
    virtualAccount: null,
    secret: null,
    mobilePhone: null,
    giftCertificate: null,
    transfer: null,
    easyPay: null,
    metadata: null,
    receipt: null,
    checkout: { url: `https://api.tosspayments.com/v1/payments/${by.paymentKey}/checkout` },
    country: 'KR',
    failure: null,
    cashReceipt: null,
    cashReceipts: null,
    discount: null,
  }
}

/** The card that paid. */
export function cardOf({ issuerCode = '61' }: Means, by: { amount: number; approveNo: string }): Payment['card'] {
  return {
    amount: by.amount,
    issuerCode,
    acquirerCode: issuerCode,
    number: '43301234****123*',
    installmentPlanMonths: 0,
    approveNo: by.approveNo,
    useCardPoint: false,
    cardType: '신용',
    ownerType: '개인',
    acquireStatus: 'READY',
    isInterestFree: false,
    interestPayer: null,
  }
}

const english: Readonly<Record<string, string>> = {
  카드: 'Card',
  가상계좌: 'Virtual account',
  신용: 'Credit',
  체크: 'Check',
  개인: 'Individual',
  법인: 'Corporate',
  일반: 'Normal',
  고정: 'Fixed',
}

/** The payment in a language: methods and types are texts; what people wrote stays. */
export function inLanguage(payment: Payment, language: Language): Payment {
  if (language === 'ko') return payment
  const { method, card, virtualAccount } = payment
  const say = (text: unknown) => english[String(text)] ?? text
  return {
    ...payment,
    method: method && (english[method] ?? method),
    card: card && { ...card, cardType: say(card.cardType), ownerType: say(card.ownerType) },
    virtualAccount: virtualAccount && { ...virtualAccount, accountType: String(say(virtualAccount.accountType)) },
  }
}

/** Banks by their codes; a request may name them by their three digits, or in words. */
export const banks: Readonly<Record<string, string>> = {
  '06': '국민',
  '88': '신한',
  '20': '우리',
  '81': '하나',
  '11': '농협',
  '03': '기업',
  '90': '카카오뱅크',
  '92': '토스뱅크',
  '89': '케이뱅크',
  '71': '우체국',
}

const national: Readonly<Record<string, string>> = { '004': '06', '003': '03' }
const bankNames = new Map(Object.entries(banks).map(([code, name]) => [name, code]))

/** The code of a bank; null where there is none. */
export function findBank(given: unknown): string | null {
  const text = String(given)
  const code = bankNames.get(text) ?? national[text] ?? (/^0\d\d$/.test(text) ? text.slice(1) : text)
  return Object.hasOwn(banks, code) ? code : null
}

/** Issuers of cards that can be chosen. */
export const issuers: Readonly<Record<string, string>> = {
  '61': '현대',
  '41': '신한',
  '11': '국민',
  '51': '삼성',
  '31': 'BC',
  '71': '롯데',
  '15': '카카오뱅크',
  '24': '토스뱅크',
}
