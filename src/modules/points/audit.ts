import { type Act, defineActs, originOf } from '#platform/audit'
import { toPublicId } from '#platform/ids'
import type { Owner } from './owners.ts'
import type { Order } from './points.ts'

/** What an administrator does with the points of others, for the audit log. */
export function toAct({ caller, instruction, requestId }: Order, owner: Owner | null): Act | null {
  const { kind, reason } = instruction
  if (!(kind in auditedActions) || !owner) return null
  const wallet = 'walletId' in instruction ? { walletId: toPublicId('wlt', instruction.walletId) } : {}
  return {
    action: auditedActions[kind as keyof typeof auditedActions],
    target: { prefix: owner.type === 'company' ? 'cmp' : 'mem', id: owner.id },
    before: null,
    after: { ...wallet, ...('class' in instruction && { class: instruction.class }), reason },
    origin: originOf({ id: requestId, caller }),
  }
}

/** What points write into the audit log. */
export const pointsActs = defineActs('chargeWallet', 'refundTransfer', 'cancelCharge')

const auditedActions = {
  charge: pointsActs.chargeWallet,
  refund: pointsActs.refundTransfer,
  cancel: pointsActs.cancelCharge,
} as const
