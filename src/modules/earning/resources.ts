import { toPublicId } from '#platform/ids'
import type { Earning } from './earning.ts'

/** An earning as callers see it. */
export function toEarningBody({ id, companyId, walletId, memberId, spendId, transferId, ...earning }: Earning) {
  const { reference, base, refunded, earned, takenBack, refusal, createdAt } = earning
  return {
    id: toPublicId('ern', id),
    companyId: toPublicId('cmp', companyId),
    walletId: toPublicId('wlt', walletId),
    memberId: memberId && toPublicId('mem', memberId),
    spendId: spendId && toPublicId('trf', spendId),
    reference,
    amount: base,
    refunded,
    earned,
    takenBack,
    transferId: transferId && toPublicId('trf', transferId),
    rule: { id: toPublicId('rul', earning.ruleId), version: earning.ruleVersion },
    refusal,
    createdAt: createdAt.toISOString(),
  }
}
