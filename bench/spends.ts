import { randomBytes } from 'node:crypto'
import type { Command } from '#modules/ledger'
import { system } from '#platform/work'
import { merchantId, walletId } from './seed.ts'

export type SpendCommand = Extract<Command, { kind: 'spend' }>

/** Makes spends of 1 to 10 points over wallets at random (one in `every`), each under a key of its own. */
export function makeSpends(wallets: { from: number; count: number; every?: number }): () => SpendCommand {
  const { from, count, every = 1 } = wallets
  const ids = Array.from({ length: count }, (_, number) => walletId(from + number * every))
  let made = 0
  return () => {
    made += 1
    return {
      kind: 'spend',
      walletId: ids[Math.floor(Math.random() * ids.length)]!,
      merchantId,
      amount: 1 + (made % 10),
      key: { digest: randomUuid(), requestHash: randomUuid() },
      actor: system,
      memberId: null,
      reason: null,
      reference: null,
      metadata: null,
    }
  }
}

let entropy = ''
let used = 0

/** 16 bytes as random as a digest; drawn in bulk, because the load must cost less than what it loads. */
function randomUuid(): string {
  if (used === entropy.length) {
    entropy = randomBytes(16 * 4_096).toString('hex')
    used = 0
  }
  const hex = entropy.slice(used, used + 32)
  used += 32
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
