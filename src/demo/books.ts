import { type Answer, bodyOf, type Transfer } from './client.ts'

/** A company of the demo with its members; every id as the API gave it. */
export interface Company {
  readonly id: string
  readonly name: string
  readonly walletId: string
  readonly members: readonly Member[]
}

export interface Member {
  readonly id: string
  readonly walletId: string
}

/** What this client was answered, kept apart from Podo: the proof at the end compares the two. */
export interface Books {
  readonly transfers: Map<string, Transfer>
  /** Writes an answered transfer down. */
  note(transfer: Transfer): Transfer
  /** Writes the transfer of an answer down that has to be a success. */
  noted(answer: Answer<Transfer>): Transfer
  /** What the wallet has to have in it. */
  balanceOf(walletId: string): number
  /** What was spent at the company, less what was refunded. */
  earnedBy(merchantId: string): number
  sum(kind: string, walletIds?: ReadonlySet<string>): number
}

export function openBooks(): Books {
  const transfers = new Map<string, Transfer>()
  const note = (transfer: Transfer) => {
    transfers.set(transfer.id, transfer)
    return transfer
  }
  const all = () => [...transfers.values()]
  return {
    transfers,
    note,
    noted: (answer) => note(bodyOf(answer)),
    balanceOf: (walletId) =>
      all().reduce(
        (sum, it) => (it.walletId === walletId ? sum + (it.kind === 'spend' ? -it.amount : it.amount) : sum),
        0,
      ),
    earnedBy: (merchantId) =>
      all().reduce(
        (sum, it) => (it.merchantId === merchantId ? sum + (it.kind === 'spend' ? it.amount : -it.amount) : sum),
        0,
      ),
    sum: (kind, walletIds) =>
      all().reduce((sum, it) => (it.kind === kind && (walletIds?.has(it.walletId) ?? true) ? sum + it.amount : sum), 0),
  }
}
