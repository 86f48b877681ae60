import type { Class, LedgerSettings, TransferKind } from '#modules/ledger'

export interface ModelAccount {
  readonly id: string
  readonly kind: 'wallet' | 'pot' | 'merchant' | 'system'
  /** What merchants and the system have: the sum of what crossed. Wallets and pots are made of lots instead. */
  readonly crossed: Record<Class, bigint>
}

export interface ModelLot {
  readonly id: string
  readonly accountId: string
  readonly class: Class
  readonly issuedAt: Date
  readonly expiresAt: Date | null
  readonly amount: number
  remaining: number
  held: number
  readonly transferId: string
  readonly sourceLotId: string | null
  /** Had its grace: a refund opened it, or the one that it came from by moves. */
  readonly isReissued: boolean
  readonly paymentId: string | null
}

export interface ModelHold {
  readonly id: string
  readonly walletId: string
  readonly payeeId: string
  status: 'pending' | 'posted' | 'voided' | 'expired'
  readonly amount: number
  postedAmount: number
  readonly expiresAt: Date
  readonly parts: readonly Part[]
}

/** Points of one lot; the amount is positive. */
export interface Part {
  readonly lotId: string
  readonly amount: number
}

export interface ModelTransfer {
  readonly id: string
  readonly kind: TransferKind
  readonly amount: number
  readonly payerId: string
  readonly payeeId: string
  readonly reverses: string | null
  readonly holdId: string | null
  readonly at: Date
  readonly lots: readonly Part[]
  /** Balance, held points included, of each wallet or pot it touched. */
  readonly balances: ReadonlyMap<string, number>
}

export type ModelOutcome =
  | { readonly status: 'done'; readonly transfer: ModelTransfer; readonly hold: ModelHold | null; replayed: boolean }
  | {
      readonly status: 'refused'
      readonly problem: string
      readonly http: number
      readonly params?: { available: number; required: number }
      replayed: boolean
    }
  | { readonly status: 'booked' }

/** Where points come from and go to when they enter or leave the programme. */
export interface SystemAccounts {
  readonly issuance: string
  readonly expired: string
  readonly adjustments: string
  readonly payout: string
}

export interface ModelOptions {
  readonly settings: LedgerSettings
  readonly system: SystemAccounts
  /** Ids must ascend: the lowest id breaks a tie in the spend order. */
  readonly newId: (what: 'transfer' | 'lot' | 'hold') => string
}

export interface State extends ModelOptions {
  readonly accounts: Map<string, ModelAccount>
  readonly lots: Map<string, ModelLot>
  readonly holds: Map<string, ModelHold>
  readonly closed: Set<string>
  readonly transfers: ModelTransfer[]
  readonly answers: Map<string, { requestHash: string; outcome: ModelOutcome }>
  now: Date
}

const boundMax = 9_007_199_254_740_991n

/** Rule 2: holds that ran out are released, then the free points of lots past their expiry leave. */
export function bookDue(state: State, accountId: string): void {
  for (const found of state.holds.values()) {
    if (found.walletId === accountId && found.status === 'pending' && isPast(state, found.expiresAt)) {
      letGo(state, found, 'expired')
    }
  }
  const due = lotsOf(state, accountId).filter((lot) => isPast(state, lot.expiresAt) && lot.remaining > lot.held)
  if (due.length === 0) return
  const parts = due.map((lot) => ({ lotId: lot.id, amount: lot.remaining - lot.held }))
  takeOut(state, parts)
  crossParts(state, state.system.expired, parts)
  done(state, { kind: 'expire', payerId: accountId, payeeId: state.system.expired, lots: parts })
}

export function letGo(state: State, found: ModelHold, status: 'voided' | 'expired'): ModelOutcome {
  release(state, found)
  found.status = status
  const { walletId: payerId, payeeId } = found
  return done(state, { kind: 'void', payerId, payeeId, holdId: found.id, lots: found.parts })
}

export function release(state: State, found: ModelHold): void {
  for (const part of found.parts) state.lots.get(part.lotId)!.held -= part.amount
}

/** Rule 1: what can be spent now, in the order in which it is spent. */
export function freeLots(state: State, accountId: string): ModelLot[] {
  return lotsOf(state, accountId)
    .filter((lot) => !isPast(state, lot.expiresAt) && lot.remaining > lot.held)
    .sort(state.settings.spendOrder === 'fifo' ? byAge : byClass)
}

function byClass(a: ModelLot, b: ModelLot): number {
  const order: Class[] = ['bonus', 'prize', 'paid']
  const never = Number.POSITIVE_INFINITY
  const expiryA = a.expiresAt?.getTime() ?? never
  const expiryB = b.expiresAt?.getTime() ?? never
  if (a.class !== b.class) return order.indexOf(a.class) - order.indexOf(b.class)
  if (expiryA !== expiryB) return expiryA < expiryB ? -1 : 1
  return byAge(a, b)
}

function byAge(a: ModelLot, b: ModelLot): number {
  if (a.issuedAt.getTime() !== b.issuedAt.getTime()) return a.issuedAt < b.issuedAt ? -1 : 1
  return a.id < b.id ? -1 : 1
}

function lotsOf(state: State, accountId: string): ModelLot[] {
  return [...state.lots.values()].filter((lot) => lot.accountId === accountId)
}

/** The first free points of these lots, or null when together they have less. */
export function choose(amount: number, lots: readonly ModelLot[]): Part[] | null {
  const parts: Part[] = []
  let left = amount
  for (const lot of lots) {
    const taken = Math.min(left, lot.remaining - lot.held)
    if (taken > 0) parts.push({ lotId: lot.id, amount: taken })
    left -= taken
  }
  return left === 0 ? parts : null
}

export function pointsIn(lots: readonly ModelLot[]): number {
  return lots.reduce((sum, lot) => sum + lot.remaining - lot.held, 0)
}

/** The first points of these parts. */
export function firstOf(parts: readonly Part[], amount: number): Part[] {
  const taken: Part[] = []
  let left = amount
  for (const part of parts) {
    const now = Math.min(left, part.amount)
    if (now > 0) taken.push({ lotId: part.lotId, amount: now })
    left -= now
  }
  return taken
}

export function takeOut(state: State, parts: readonly Part[]): void {
  for (const part of parts) state.lots.get(part.lotId)!.remaining -= part.amount
}

/** A new lot; what is not said is: issued now, from nowhere, paid by nothing. */
export function addLot(
  state: State,
  lot: Pick<ModelLot, 'accountId' | 'class' | 'amount' | 'expiresAt' | 'transferId'> & Partial<ModelLot>,
): ModelLot {
  const added: ModelLot = {
    id: state.newId('lot'),
    accountId: lot.accountId,
    class: lot.class,
    issuedAt: lot.issuedAt ?? state.now,
    expiresAt: lot.expiresAt,
    amount: lot.amount,
    remaining: lot.amount,
    held: 0,
    transferId: lot.transferId,
    sourceLotId: lot.sourceLotId ?? null,
    isReissued: lot.isReissued ?? false,
    paymentId: lot.paymentId ?? null,
  }
  state.lots.set(added.id, added)
  return added
}

/** Points reach an account that is made of no lots; a negative amount leaves it. */
export function cross(state: State, accountId: string, amount: number, pointClass: Class): void {
  const account = state.accounts.get(accountId)!
  account.crossed[pointClass] += BigInt(amount)
}

export function crossParts(state: State, accountId: string, parts: readonly Part[]): void {
  for (const part of parts) cross(state, accountId, part.amount, state.lots.get(part.lotId)!.class)
}

export function hasLots(state: State, accountId: string): boolean {
  const kind = state.accounts.get(accountId)?.kind
  return kind === 'wallet' || kind === 'pot'
}

/** Nothing comes into what is closed; and rule 7: no wallet or pot passes 2^53−1. */
export function refuseIncoming(state: State, accountId: string, amount: number): ModelOutcome | null {
  if (state.closed.has(accountId)) return refuse('wallet-closed', 409)
  return balanceOf(state, accountId) + BigInt(amount) <= boundMax ? null : refuse('balance-limit', 409)
}

export function balanceOf(state: State, accountId: string): bigint {
  const { crossed } = state.accounts.get(accountId)!
  if (!hasLots(state, accountId)) return crossed.bonus + crossed.prize + crossed.paid
  return lotsOf(state, accountId).reduce((sum, lot) => sum + BigInt(lot.remaining), 0n)
}

export function isPast(state: State, instant: Date | null): boolean {
  return instant !== null && instant.getTime() <= state.now.getTime()
}

export function refuse(problem: string, http: number): ModelOutcome {
  return { status: 'refused', problem, http, replayed: false }
}

export function insufficient(available: number | bigint, required: number): ModelOutcome {
  const params = { available: Math.max(0, Number(available)), required }
  return { status: 'refused', problem: 'insufficient-points', http: 409, params, replayed: false }
}

/** Writes the transfer down; its amount is that of its lots unless it says another. */
export function done(
  state: State,
  made: Pick<ModelTransfer, 'kind' | 'payerId' | 'payeeId' | 'lots'> & Partial<ModelTransfer>,
): ModelOutcome {
  const touched = [made.payerId, made.payeeId].filter((id) => hasLots(state, id))
  const transfer: ModelTransfer = {
    id: made.id ?? state.newId('transfer'),
    kind: made.kind,
    amount: made.amount ?? made.lots.reduce((sum, part) => sum + part.amount, 0),
    payerId: made.payerId,
    payeeId: made.payeeId,
    reverses: made.reverses ?? null,
    holdId: made.holdId ?? null,
    at: state.now,
    lots: made.lots,
    balances: new Map(touched.map((id) => [id, Number(balanceOf(state, id))])),
  }
  state.transfers.push(transfer)
  const hold = transfer.holdId === null ? null : structuredClone(state.holds.get(transfer.holdId)!)
  return { status: 'done', transfer, hold, replayed: false }
}
