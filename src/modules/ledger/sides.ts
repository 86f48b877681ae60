import type { Transfer, TransferKind } from './commands.ts'
import { systemAccounts } from './system-accounts.ts'

const incoming = new Set<TransferKind>(['charge', 'grant', 'reward', 'refund'])

/** Whether a transfer is shown from its payee's side: its wallet, `seq`, lots and balance are those of who receives. */
export function isShownFromPayee({ kind, payerId }: Pick<Transfer, 'kind' | 'payerId'>): boolean {
  return incoming.has(kind) || payerId === systemAccounts.adjustments
}
