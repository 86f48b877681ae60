import { type Class, type CommandContext, classes, type LotShare, type Transfer } from './commands.ts'
import { isShownFromPayee } from './sides.ts'
import type { Account, Delta, Hold, IssuedLot, JournalLeg, JournalRow, Lot, State } from './state.ts'

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }
export type AccountDraft = Writable<Account>
export type LotDraft = Writable<Lot>
export type HoldDraft = Writable<Hold>

export interface Leg {
  readonly lot: LotDraft
  readonly amount: number
  readonly held: number
}

export interface Booking {
  readonly id?: string
  readonly kind: JournalRow['kind']
  readonly amount: number
  readonly payerId: string
  readonly payeeId: string
  /** Legs on lots; what crosses is read from the payer's, or given where neither side has lots. */
  readonly legs: readonly Leg[]
  readonly crossing?: Record<Class, number>
  readonly reverses?: string
  readonly holdId?: string
  readonly at: Date
}

/** Thrown when the decision needs rows that were not read. */
export class NeedsMore extends Error {
  readonly what: 'pages' | 'due'
  readonly accountId: string

  constructor(what: 'pages' | 'due', accountId: string) {
    super(`more ${what} needed`)
    this.what = what
    this.accountId = accountId
  }
}

interface SpendList {
  readonly lots: LotDraft[]
  /** Where to look first: everything before it has nothing free. */
  head: number
  /** Last lot of an incomplete page: beyond it the order is not known. */
  readonly frontier: LotDraft | null
}

/**
 * The working copy of a batch: accounts, lots and holds as they will be when it is written. The state that was read
 * stays as it is, so a decision that needed more can be made again.
 */
export class Draft {
  readonly state: State
  readonly newId: () => string
  legCount = 0
  readonly #accounts = new Map<string, AccountDraft>()
  readonly #lots = new Map<string, LotDraft>()
  readonly #holds = new Map<string, HoldDraft>()
  readonly #lists = new Map<string, SpendList>()
  /** Lots that this batch opened or refilled in accounts that nothing was spent from yet. */
  readonly #unlisted = new Map<string, LotDraft[]>()
  readonly #transfers: JournalRow[] = []
  readonly #newLots = new Map<LotDraft, IssuedLot>()
  readonly #changedLots = new Set<LotDraft>()
  readonly #newHolds = new Map<string, string>()
  readonly #endedHolds = new Map<string, Date>()
  readonly #reversed = new Map<string, { refundedAmount: number; isCancelled: boolean }>()
  readonly #rolled = new Map<string, Record<Class, bigint>>()
  readonly #answers: Delta['answers'][number][] = []

  constructor(state: State, newId: () => string) {
    this.state = state
    this.newId = newId
  }

  /** The locked account; its kind is the caller's to check. */
  account(id: string): AccountDraft {
    let account = this.#accounts.get(id)
    if (!account) {
      account = { ...this.state.accounts.get(id)! }
      this.#accounts.set(id, account)
    }
    return account
  }

  lot(id: string): LotDraft {
    const known = this.#lots.get(id)
    if (known) return known
    const read = this.state.lots.get(id)
    if (!read) throw new Error(`lot ${id} was not read`)
    return this.#adopt(read)
  }

  /** What refunds have issued anew of a lot, in the same account. */
  reissuesOf({ id, accountId }: LotDraft): LotDraft[] {
    const read = this.state.reissues.filter((lot) => lot.sourceLotId === id).map((lot) => this.lot(lot.id))
    const opened = [...this.#newLots].flatMap(([lot, { sourceLotId }]) => (sourceLotId === id ? [lot] : []))
    return [...read, ...opened].filter((lot) => lot.accountId === accountId)
  }

  hold(id: string): HoldDraft {
    let hold = this.#holds.get(id)
    if (!hold) {
      hold = { ...this.state.holds.get(id)! }
      this.#holds.set(id, hold)
    }
    return hold
  }

  /** The lots and holds that have fallen due in an account by the time the state was read. */
  due(accountId: string): { holds: HoldDraft[]; lots: LotDraft[]; nextDueAt: Date | null; hasMore: boolean } {
    const due = this.state.due.get(accountId)
    if (!due) throw new NeedsMore('due', accountId)
    for (const hold of due.holds) if (!this.#holds.has(hold.id)) this.#holds.set(hold.id, { ...hold })
    return {
      ...due,
      holds: due.holds.map((hold) => this.#holds.get(hold.id)!),
      lots: due.lots.map((lot) => this.#adopt(lot)),
    }
  }

  reversal(transferId: string): { refundedAmount: number; isCancelled: boolean } {
    let reversal = this.#reversed.get(transferId)
    if (!reversal) {
      const { refundedAmount, isCancelled } = this.state.originals.get(transferId)!
      reversal = { refundedAmount, isCancelled }
      this.#reversed.set(transferId, reversal)
    }
    return reversal
  }

  /** What a merchant has, with what this batch has brought to it or taken from it. */
  rolled(merchantId: string): Record<Class, bigint> {
    let balance = this.#rolled.get(merchantId)
    if (!balance) {
      balance = { ...this.state.rolled.get(merchantId)! }
      this.#rolled.set(merchantId, balance)
    }
    return balance
  }

  /**
   * Free parts of an account's lots in spend order that add up to `amount`, which must be available; of one class
   * only, they may add up to less. Nothing is changed yet. Work grows with the lots taken, not with those open.
   */
  take(account: AccountDraft, amount: number, only?: Class): { lot: LotDraft; amount: number }[] {
    const list = this.#listOf(account.id)
    const taken: { lot: LotDraft; amount: number }[] = []
    let missing = amount
    while (list.head < list.lots.length && free(list.lots[list.head]!) === 0) list.head += 1
    for (let at = list.head; missing > 0 && at < list.lots.length; at += 1) {
      const lot = list.lots[at]!
      if (list.frontier && this.#compare(lot, list.frontier) > 0) break
      const part = only && lot.class !== only ? 0 : Math.min(free(lot), missing)
      if (part === 0) continue
      taken.push({ lot, amount: part })
      missing -= part
    }
    if (missing > 0) {
      if (list.frontier) throw new NeedsMore('pages', account.id)
      if (!only) throw new Error(`account ${account.id} lacks ${missing} points that its balance says are free`)
    }
    return taken
  }

  /** A new lot, empty until a leg fills it. */
  openLot(lot: Omit<IssuedLot, 'remaining' | 'held'>): LotDraft {
    const draft = { ...lot, remaining: 0, held: 0 }
    this.#lots.set(draft.id, draft)
    this.#newLots.set(draft, draft)
    return draft
  }

  openHold(hold: Hold, transferId: string): void {
    this.#holds.set(hold.id, { ...hold })
    this.#newHolds.set(hold.id, transferId)
  }

  endHold(hold: HoldDraft, at: Date): void {
    this.#endedHolds.set(hold.id, at)
  }

  /** Books one transfer: changes lots and accounts by its legs and appends the row of the journal. */
  book(booking: Booking, context: Omit<CommandContext, 'key'>): Transfer {
    const { payerId, payeeId, at } = booking
    const crossing = booking.crossing ?? { bonus: 0, prize: 0, paid: 0 }
    const payerIsLotted = booking.legs.some((leg) => leg.lot.accountId === payerId)
    for (const leg of booking.legs) {
      this.#apply(leg, at)
      if (!booking.crossing && payerIsLotted && leg.amount < 0) crossing[leg.lot.class] -= leg.amount
      if (!booking.crossing && !payerIsLotted && leg.amount > 0) crossing[leg.lot.class] += leg.amount
    }
    this.#roll(payerId, crossing, -1n)
    this.#roll(payeeId, crossing, 1n)
    const payer = this.#close(payerId, at)
    const payee = booking.kind === 'hold' || booking.kind === 'void' ? null : this.#close(payeeId, at)
    const row: JournalRow = {
      id: booking.id ?? this.newId(),
      kind: booking.kind,
      amount: booking.amount,
      payerId,
      payeeId,
      payerSeq: payer?.seq ?? null,
      payerBalance: payer ? total(payer) : null,
      payeeSeq: payee?.seq ?? null,
      payeeBalance: payee ? total(payee) : null,
      crossing,
      legs: booking.legs.map(toJournalLeg),
      reverses: booking.reverses ?? null,
      holdId: booking.holdId ?? null,
      actorType: context.actor.type,
      actorId: context.actor.id,
      memberId: context.memberId,
      reason: context.reason,
      reference: context.reference,
      metadata: context.metadata,
      at,
    }
    this.#transfers.push(row)
    this.legCount += booking.legs.length + 1
    const changesBalance = row.kind !== 'hold' && row.kind !== 'void'
    const shown = changesBalance ? booking.legs.filter((leg) => leg.amount !== 0) : booking.legs
    return toTransfer(row, context, shown.map(toShare))
  }

  /** Makes sure that nothing of the account is overlooked when `at` comes. */
  noteDue(account: AccountDraft, at: Date | null): void {
    if (at && (!account.nextDueAt || at < account.nextDueAt)) account.nextDueAt = at
  }

  keep(answer: Delta['answers'][number]): void {
    this.#answers.push(answer)
  }

  get answers(): Delta['answers'] {
    return this.#answers
  }

  delta(): Delta {
    const holdOf = (id: string) => this.#holds.get(id)!
    return {
      transfers: this.#transfers,
      accounts: [...this.#accounts.values()].filter((account) => isChanged(account, this.state)),
      newLots: [...this.#newLots.values()],
      changedLots: [...this.#changedLots].filter((lot) => !this.#newLots.has(lot)),
      newHolds: [...this.#newHolds].map(([id, transferId]) => ({ ...holdOf(id), transferId })),
      changedHolds: [...this.#endedHolds].map(([id, completedAt]) => ({ ...holdOf(id), completedAt })),
      answers: this.#answers,
    }
  }

  #apply(leg: Leg, at: Date): void {
    const { lot } = leg
    const account = this.account(lot.accountId)
    const wasFree = free(lot)
    lot.remaining += leg.amount
    lot.held += leg.held
    account[lot.class] += leg.amount
    account.held += leg.held
    this.#changedLots.add(lot)
    if (wasFree === 0 && free(lot) > 0) {
      this.#list(lot)
      if (!lot.expiresAt || lot.expiresAt > at) this.noteDue(account, lot.expiresAt)
    }
  }

  /** Balances are read once for the whole batch: a payout behind a refund must see what the refund took. */
  #roll(accountId: string, crossing: Record<Class, number>, sign: 1n | -1n): void {
    if (!this.state.rolled.has(accountId)) return
    const balance = this.rolled(accountId)
    for (const part of classes) balance[part] += sign * BigInt(crossing[part])
  }

  /** Raises the count of a wallet or pot; merchants and the system have none. */
  #close(accountId: string, at: Date): AccountDraft | null {
    const kind = this.state.accounts.get(accountId)?.kind
    if (kind !== 'wallet' && kind !== 'pot') return null
    const account = this.account(accountId)
    account.seq += 1
    account.lastAt = at
    return account
  }

  #adopt(lot: Lot): LotDraft {
    let draft = this.#lots.get(lot.id)
    if (!draft) {
      draft = { ...lot }
      this.#lots.set(lot.id, draft)
    }
    return draft
  }

  #listOf(accountId: string): SpendList {
    let list = this.#lists.get(accountId)
    if (!list) {
      const page = this.state.pages.get(accountId)
      if (!page) throw new NeedsMore('pages', accountId)
      const lots = page.lots.map((lot) => this.#adopt(lot))
      list = { lots, head: 0, frontier: page.isComplete ? null : (lots.at(-1) ?? null) }
      this.#lists.set(accountId, list)
      for (const lot of this.#unlisted.get(accountId) ?? []) this.#list(lot)
    }
    return list
  }

  #list(lot: LotDraft): void {
    const list = this.#lists.get(lot.accountId)
    if (!list) {
      const unlisted = this.#unlisted.get(lot.accountId)
      if (unlisted) unlisted.push(lot)
      else this.#unlisted.set(lot.accountId, [lot])
      return
    }
    list.head = 0
    let low = 0
    let high = list.lots.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(list.lots[middle]!, lot) < 0) low = middle + 1
      else high = middle
    }
    if (list.lots[low] !== lot) list.lots.splice(low, 0, lot)
  }

  #compare(a: Lot, b: Lot): number {
    return this.state.settings.spendOrder === 'fifo' ? byAge(a, b) : byClass(a, b)
  }
}

export function free(lot: Lot): number {
  return lot.remaining - lot.held
}

/** Everything in a wallet or pot, held points included. */
export function total(account: Account): number {
  return account.bonus + account.prize + account.paid
}

const rank: Record<Class, number> = { bonus: 0, prize: 1, paid: 2 }
const never = Number.POSITIVE_INFINITY

function byClass(a: Lot, b: Lot): number {
  const aDue = a.expiresAt?.getTime() ?? never
  const bDue = b.expiresAt?.getTime() ?? never
  return rank[a.class] - rank[b.class] || (aDue === bDue ? byAge(a, b) : aDue - bDue)
}

function byAge(a: Lot, b: Lot): number {
  return a.issuedAt.getTime() - b.issuedAt.getTime() || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

function isChanged(account: Account, state: State): boolean {
  const before = state.accounts.get(account.id)!
  return before.seq !== account.seq || before.nextDueAt?.getTime() !== account.nextDueAt?.getTime()
}

function toJournalLeg(leg: Leg): JournalLeg {
  return { lotId: leg.lot.id, class: leg.lot.class, amount: leg.amount, held: leg.held }
}

function toShare(leg: Leg): { accountId: string; share: LotShare } {
  const amount = Math.abs(leg.amount || leg.held)
  const { id, class: kind, expiresAt, accountId } = leg.lot
  return { accountId, share: { lotId: id, class: kind, amount, expiresAt } }
}

function toTransfer(
  row: JournalRow,
  context: Omit<CommandContext, 'key'>,
  shares: readonly { accountId: string; share: LotShare }[],
): Transfer {
  const isPayee = isShownFromPayee(row)
  const walletId = isPayee ? row.payeeId : row.payerId
  return {
    id: row.id,
    kind: row.kind,
    amount: row.amount,
    payerId: row.payerId,
    payeeId: row.payeeId,
    memberId: row.memberId,
    actor: context.actor,
    seq: isPayee ? row.payeeSeq : row.payerSeq,
    reason: row.reason,
    reference: row.reference,
    metadata: row.metadata,
    createdAt: row.at,
    reverses: row.reverses,
    holdId: row.holdId,
    lots: shares.filter((item) => item.accountId === walletId).map((item) => item.share),
    balanceAfter: isPayee ? row.payeeBalance : row.payerBalance,
  }
}
