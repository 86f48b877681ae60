import type { Label, Language } from '../catalogue.ts'
import type { Answer } from '../sockets.ts'

/** The codes that each part of the API answers, by status. */
const confirm = {
  400:
    'ALREADY_PROCESSED_PAYMENT PROVIDER_ERROR EXCEED_MAX_CARD_INSTALLMENT_PLAN INVALID_REQUEST NOT_ALLOWED_POINT_USE ' +
    'INVALID_API_KEY INVALID_REJECT_CARD BELOW_MINIMUM_AMOUNT INVALID_CARD_EXPIRATION INVALID_STOPPED_CARD ' +
    'EXCEED_MAX_DAILY_PAYMENT_COUNT NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT INVALID_CARD_INSTALLMENT_PLAN ' +
    'NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN EXCEED_MAX_PAYMENT_AMOUNT NOT_FOUND_TERMINAL_ID INVALID_AUTHORIZE_AUTH ' +
    'INVALID_CARD_LOST_OR_STOLEN RESTRICTED_TRANSFER_ACCOUNT INVALID_CARD_NUMBER INVALID_UNREGISTERED_SUBMALL ' +
    'NOT_REGISTERED_BUSINESS EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT ' +
    'CARD_PROCESSING_ERROR EXCEED_MAX_AMOUNT INVALID_ACCOUNT_INFO_RE_REGISTER NOT_AVAILABLE_PAYMENT ' +
    'UNAPPROVED_ORDER_ID EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT',
  401: 'UNAUTHORIZED_KEY',
  403:
    'REJECT_ACCOUNT_PAYMENT REJECT_CARD_PAYMENT REJECT_CARD_COMPANY FORBIDDEN_REQUEST REJECT_TOSSPAY_INVALID_ACCOUNT ' +
    'EXCEED_MAX_AUTH_COUNT EXCEED_MAX_ONE_DAY_AMOUNT NOT_AVAILABLE_BANK INVALID_PASSWORD INCORRECT_BASIC_AUTH_FORMAT ' +
    'FDS_ERROR',
  404: 'NOT_FOUND_PAYMENT NOT_FOUND_PAYMENT_SESSION',
  500: 'FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING FAILED_INTERNAL_SYSTEM_PROCESSING UNKNOWN_PAYMENT_ERROR',
}

const find = {
  400: 'NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN_BELOW_AMOUNT',
  401: 'UNAUTHORIZED_KEY',
  403: 'FORBIDDEN_CONSECUTIVE_REQUEST INCORRECT_BASIC_AUTH_FORMAT',
  404: 'NOT_FOUND_PAYMENT NOT_FOUND',
  500: 'FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING',
}

const cancel = {
  400:
    'ALREADY_CANCELED_PAYMENT INVALID_REFUND_ACCOUNT_INFO EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT INVALID_REQUEST ' +
    'INVALID_REFUND_ACCOUNT_NUMBER INVALID_BANK NOT_MATCHES_REFUNDABLE_AMOUNT PROVIDER_ERROR REFUND_REJECTED ' +
    'ALREADY_REFUND_PAYMENT FORBIDDEN_BANK_REFUND_REQUEST',
  401: 'UNAUTHORIZED_KEY',
  403:
    'NOT_CANCELABLE_AMOUNT FORBIDDEN_CONSECUTIVE_REQUEST FORBIDDEN_REQUEST NOT_CANCELABLE_PAYMENT ' +
    'EXCEED_MAX_REFUND_DUE NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT NOT_ALLOWED_PARTIAL_REFUND NOT_AVAILABLE_BANK ' +
    'INCORRECT_BASIC_AUTH_FORMAT NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER EXCEED_MAX_REFUND_AMOUNT',
  404: 'NOT_FOUND_PAYMENT',
  500:
    'FAILED_INTERNAL_SYSTEM_PROCESSING FAILED_REFUND_PROCESS FAILED_METHOD_HANDLING_CANCEL FAILED_PARTIAL_REFUND ' +
    'COMMON_ERROR FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING',
}

const issue = {
  400:
    'INVALID_REQUEST DUPLICATED_ORDER_ID EXCEED_MAX_DUE_DATE EXCEED_MAX_VALID_HOURS INVALID_BANK INVALID_DATE ' +
    'INVALID_VALID_HOURS_WITH_DUE_DATE_AND_SINGLE INVALID_REGISTRATION_NUMBER_TYPE BELOW_MINIMUM_AMOUNT PROVIDER_ERROR',
  401: 'UNAUTHORIZED_KEY',
  403: 'NOT_AVAILABLE_BANK INCORRECT_BASIC_AUTH_FORMAT FORBIDDEN_REQUEST',
  500: 'FAILED_INTERNAL_SYSTEM_PROCESSING FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING',
}

/** Of the lists, and what stands before every part. */
const others = {
  400:
    'INVALID_REQUEST INVALID_TEST_CODE INVALID_IDEMPOTENCY_KEY DUPLICATED_ORDER_ID INVALID_ISO_DATE_FORMAT ' +
    'INVALID_PAGING_KEY EXCEED_MAX_QUERY_LIMIT MAINTAINED_METHOD',
  401: 'UNAUTHORIZED_KEY',
  403: 'INCORRECT_BASIC_AUTH_FORMAT',
  404: 'NOT_FOUND_HTTP_METHOD',
  409: 'IDEMPOTENT_REQUEST_PROCESSING',
  429: 'TOO_MANY_REQUESTS',
  500: 'FAILED_INTERNAL_SYSTEM_PROCESSING',
}

const parts: Readonly<Record<string, Readonly<Record<number, string>>>> = { confirm, find, cancel, issue }

const texts: Readonly<Record<string, Label>> = {
  ALREADY_PROCESSED_PAYMENT: {
    ko: '이미 처리된 결제 입니다.',
    en: 'This is a payment that has already been processed.',
  },
  PROVIDER_ERROR: {
    ko: '일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요.',
    en: 'A temporary error has occurred. Please try again later.',
  },
  NOT_FOUND_PAYMENT: { ko: '존재하지 않는 결제 입니다.', en: 'Not existing payment.' },
  NOT_FOUND_PAYMENT_SESSION: {
    ko: '결제 시간이 만료되어 결제 진행 데이터가 존재하지 않습니다.',
    en: 'Payment session does not exist because the session time has expired.',
  },
  REJECT_CARD_PAYMENT: {
    ko: '한도초과 혹은 잔액부족으로 결제에 실패했습니다.',
    en: 'Payment was rejected because of the limit or the balance.',
  },
  REJECT_CARD_COMPANY: { ko: '결제 승인이 거절되었습니다.', en: 'Payment confirm is rejected.' },
  IDEMPOTENT_REQUEST_PROCESSING: { ko: '이전 멱등 요청이 처리중입니다.', en: 'The former request is being processed.' },
  INVALID_IDEMPOTENCY_KEY: { ko: '멱등키는 300자 이하여야 합니다.', en: 'The idempotency key is too long.' },
  INVALID_REQUEST: { ko: '잘못된 요청입니다.', en: 'The bad request.' },
  UNAUTHORIZED_KEY: {
    ko: '인증되지 않은 시크릿 키 혹은 클라이언트 키 입니다.',
    en: 'Unauthorized secret key or client key.',
  },
  ALREADY_CANCELED_PAYMENT: { ko: '이미 취소된 결제 입니다.', en: 'Already canceled payment.' },
  NOT_CANCELABLE_AMOUNT: { ko: '취소 할 수 없는 금액 입니다.', en: 'Cannot cancel this amount.' },
  NOT_MATCHES_REFUNDABLE_AMOUNT: { ko: '잔액 결과가 일치하지 않습니다.', en: 'The refundable amount does not match.' },
  DUPLICATED_ORDER_ID: { ko: '중복된 주문번호 입니다.', en: 'Duplicated order id.' },
  PAY_PROCESS_CANCELED: { ko: '사용자에 의해 결제가 취소되었습니다.', en: 'Payment was canceled by the user.' },
  PAY_PROCESS_ABORTED: { ko: '결제 진행 중 오류가 발생했습니다.', en: 'Payment process has been aborted.' },
  EXPIRED_PAYMENT: { ko: '결제 시간이 만료되었습니다.', en: 'The payment has expired.' },
}

const byStatus: Readonly<Record<number, Label>> = {
  400: { ko: '요청을 처리할 수 없습니다.', en: 'The request cannot be processed.' },
  403: { ko: '허용되지 않은 요청입니다.', en: 'The request is not allowed.' },
  404: { ko: '존재하지 않는 정보 입니다.', en: 'Not found.' },
  500: { ko: '내부 시스템 처리 작업이 실패했습니다.', en: 'Internal system processing operation has failed.' },
}

const statuses = new Map(
  [confirm, find, cancel, issue, others].flatMap((part) =>
    Object.entries(part).flatMap(([status, codes]) => codes.split(' ').map((code) => [code, Number(status)] as const)),
  ),
)

/** Every code of a part of the API, which are those that its test header knows. */
export function codesOf(name: string): string[] {
  return Object.values(parts[name] ?? others).flatMap((codes) => codes.split(' '))
}

/** What is said of a code. */
export function messageOf(code: string, language: Language): string {
  const text = texts[code] ?? byStatus[statuses.get(code) ?? 500] ?? byStatus[400]!
  return text[language]
}

/** A refusal on the wire; the status is that of its code. */
export function refuse(code: string, language: Language): Answer {
  return { status: statuses.get(code) ?? 500, body: { code, message: messageOf(code, language) } }
}

/** Whether a code of a confirmation says that there will be no money: the payment is over. */
export function isDecline(code: string): boolean {
  return /^(REJECT_|INVALID_CARD|INVALID_STOPPED|INVALID_REJECT|INVALID_PASSWORD|EXCEED_MAX_|FDS_ERROR)/.test(code)
}
