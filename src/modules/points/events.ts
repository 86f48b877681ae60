import Type from 'typebox'
import { findEntries, type Reads, type TransferKind } from '#modules/ledger'
import type { Event, EventSource } from '#platform/events/events'
import { defineEvents } from '#platform/events/kinds'
import { nullable, oneOf } from '#platform/http-schema'
import { fromPublicId } from '#platform/ids'
import type { Text } from '#platform/problem'
import { findOwners } from './owners.ts'
import { toLine, toOtherSide } from './resources.ts'
import { lineSchema } from './schemas.ts'
import { isAtMerchant } from './sides.ts'

/** What a merchant is not told of somebody else's wallet. */
const forOwnCompany = {
  balanceAfter: nullable(
    Type.Integer({ description: 'Balance of the wallet after it; null where its merchant is told.' }),
  ),
  seq: nullable(
    Type.Integer({ description: 'Its place among the transfers of the wallet; null where its merchant is told.' }),
  ),
}

/** What the journal tells of a wallet: each is the line that the transfer is in the wallet's statement. */
export const pointsEvents = defineEvents('points', {
  charged: lineOf('charge', {
    ko: '포인트가 충전되었습니다.',
    en: 'Points were charged.',
  }),
  granted: lineOf('grant', {
    ko: '보너스 포인트가 지급되었습니다.',
    en: 'Bonus points were granted.',
  }),
  rewarded: lineOf('reward', {
    ko: '상금 포인트를 받았습니다.',
    en: 'A prize was won.',
  }),
  awarded: lineOf('reward', {
    ko: '모인 포인트에서 상금이 나갔습니다.',
    en: 'A prize was paid out of a pot.',
  }),
  spent: lineOf('spend', {
    ko: '가맹점에서 포인트를 사용했습니다.',
    en: 'Points were spent at a merchant.',
  }),
  refunded: lineOf('refund', {
    ko: '사용한 포인트가 환불되었습니다. reverses가 원래 거래입니다.',
    en: 'Spent points came back; `reverses` is the transfer that had spent them.',
  }),
  cancelled: lineOf('cancel', {
    ko: '충전이나 지급이 취소되었습니다. reverses가 원래 거래입니다.',
    en: 'A charge or grant was taken back; `reverses` is that transfer.',
  }),
  moved: lineOf('move', {
    ko: '다른 지갑으로 포인트를 보냈습니다.',
    en: 'Points were moved to another wallet.',
  }),
  received: lineOf('move', {
    ko: '다른 지갑에서 포인트를 받았습니다.',
    en: 'Points came from another wallet.',
  }),
  held: lineOf('hold', {
    ko: '포인트를 사용 예약했습니다.',
    en: 'Points were set aside by a hold.',
  }),
  posted: lineOf('post', {
    ko: '예약한 포인트를 사용했습니다.',
    en: 'A hold was carried out: its points were spent.',
  }),
  voided: lineOf('void', {
    ko: '예약이 풀렸습니다.',
    en: 'A hold was released.',
  }),
  expired: lineOf('expire', {
    ko: '포인트가 소멸되었습니다.',
    en: 'Points expired.',
  }),
  adjusted: lineOf('adjust', {
    ko: '운영자나 시스템이 잔액을 고쳤습니다.',
    en: 'The balance was corrected.',
  }),
  paidOut: lineOf('payout', {
    ko: '포인트를 돈으로 내주었습니다.',
    en: 'Points left for money.',
  }),
})

function lineOf(kind: TransferKind, description: Text) {
  const own = { ...lineSchema.properties, kind: oneOf([kind]) }
  const data = Type.Object(isAtMerchant(kind) ? { ...own, ...forOwnCompany } : own)
  return { description, key: 'wlt', data } as const
}

/** A company that hears of an event, and what it is told. */
interface Hearer {
  /** UUID. */
  readonly companyId: string
  readonly data: Event['data']
}

/**
 * The companies that hear of events: the owner's of the wallet, as its statement has it, and the merchant's, from the
 * other side. Null for an event of a wallet that is nobody's.
 */
export async function findHearers(
  reads: Reads,
  events: readonly Pick<Event, 'key' | 'data'>[],
): Promise<(Hearer[] | null)[]> {
  const owners = await findOwners(
    reads,
    events.map(({ key }) => key),
  )
  return events.map(({ data }, at) => {
    const owner = owners[at]
    if (!owner) return null
    const { companyId } = owner
    const merchantId = typeof data.merchantId === 'string' ? fromPublicId('cmp', data.merchantId) : null
    const own = companyId === null ? [] : [{ companyId, data }]
    if (merchantId === null || merchantId === companyId) return own
    return [...own, { companyId: merchantId, data: toOtherSide(data) }]
  })
}

/** The journal: for each wallet that a transfer counts in, the line that it is in that wallet's statement. */
export const journal: EventSource = {
  name: 'ledger',
  table: 'ledger.transfer',
  view: 'ledger.transfer_place',
  async load(reads, places) {
    const entries = await findEntries(
      reads,
      places.map(({ rowId, key }) => ({ transferId: rowId, walletId: key })),
    )
    return new Map(entries.map((entry, at) => [places[at]!.id, { at: entry.transfer.createdAt, data: toLine(entry) }]))
  },
}
