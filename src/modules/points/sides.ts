import { isShownFromPayee, systemAccounts, type Transfer, type TransferKind } from '#modules/ledger'

const atMerchants = new Set<TransferKind>(['spend', 'refund', 'hold', 'post', 'void'])

/** The wallet that a transfer was decided on, and the wallet or merchant on its other side. All ids are UUIDs. */
export function findSides(transfer: Transfer): {
  walletId: string | null
  toWalletId: string | null
  merchantId: string | null
} {
  const { kind, payerId, payeeId } = transfer
  const [side, other] = isShownFromPayee({ kind, payerId }) ? [payeeId, payerId] : [payerId, payeeId]
  // Only wallets and pots count their transfers: without a seq it is a merchant who was paid out or adjusted.
  if (transfer.seq === null) return { walletId: null, toWalletId: null, merchantId: side }
  const isMerchant = isAtMerchant(kind) && other !== systemAccounts.payout
  return { walletId: side, toWalletId: kind === 'move' ? other : null, merchantId: isMerchant ? other : null }
}

/** Whether transfers of a kind have a merchant on their other side. */
export function isAtMerchant(kind: TransferKind): boolean {
  return atMerchants.has(kind)
}
