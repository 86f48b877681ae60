import type { Command } from '#modules/ledger'
import {
  addLot,
  balanceOf,
  bookDue,
  choose,
  cross,
  crossParts,
  done,
  firstOf,
  freeLots,
  hasLots,
  insufficient,
  isPast,
  letGo,
  type ModelHold,
  type ModelOutcome,
  type Part,
  pointsIn,
  refuse,
  refuseIncoming,
  release,
  type State,
  takeOut,
} from './model-state.ts'

type Of<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>

export function charge(state: State, command: Of<'charge' | 'grant'>): ModelOutcome {
  if (!hasLots(state, command.walletId)) return refuse('wallet-unknown', 404)
  if (isPast(state, command.expiresAt)) return refuse('expires-in-past', 400)
  bookDue(state, command.walletId)
  const refused = refuseIncoming(state, command.walletId, command.amount)
  if (refused) return refused
  const transferId = state.newId('transfer')
  const lot = addLot(state, {
    accountId: command.walletId,
    class: command.class,
    amount: command.amount,
    issuedAt: command.issuedAt ?? state.now,
    expiresAt: command.expiresAt,
    transferId,
    paymentId: command.paymentId,
  })
  cross(state, state.system.issuance, -command.amount, command.class)
  return done(state, {
    id: transferId,
    kind: command.kind,
    payerId: state.system.issuance,
    payeeId: command.walletId,
    lots: [{ lotId: lot.id, amount: lot.amount }],
  })
}

export function spend(state: State, command: Of<'spend'>): ModelOutcome {
  if (!hasLots(state, command.walletId)) return refuse('wallet-unknown', 404)
  if (state.accounts.get(command.merchantId)?.kind !== 'merchant') return refuse('merchant-unknown', 404)
  bookDue(state, command.walletId)
  const free = freeLots(state, command.walletId)
  const parts = choose(command.amount, free)
  if (!parts) return insufficient(pointsIn(free), command.amount)
  takeOut(state, parts)
  crossParts(state, command.merchantId, parts)
  return done(state, { kind: 'spend', payerId: command.walletId, payeeId: command.merchantId, lots: parts })
}

/** Rule 3: back to the very lots, in reverse order, part by part, never more than was spent in all. */
export function refund(state: State, command: Of<'refund'>): ModelOutcome {
  const original = state.transfers.find((transfer) => transfer.id === command.transferId)
  if (!original) return refuse('transfer-unknown', 404)
  if (original.kind !== 'spend' && original.kind !== 'post') return refuse('not-refundable', 409)
  bookDue(state, original.payerId)
  const refunded = state.transfers
    .filter((transfer) => transfer.kind === 'refund' && transfer.reverses === original.id)
    .reduce((sum, transfer) => sum + transfer.amount, 0)
  const left = original.amount - refunded
  const amount = command.amount ?? left
  if (left === 0 || amount > left) return refuse('refund-too-large', 409)
  const refused = refuseIncoming(state, original.payerId, amount)
  if (refused) return refused

  const transferId = state.newId('transfer')
  const touched: Part[] = []
  let alreadyRefunded = refunded
  let toReturn = amount
  for (const part of original.lots.toReversed()) {
    const skipped = Math.min(alreadyRefunded, part.amount)
    alreadyRefunded -= skipped
    const returned = Math.min(toReturn, part.amount - skipped)
    toReturn -= returned
    if (returned > 0) touched.push(putBack(state, { lotId: part.lotId, amount: returned }, transferId))
  }
  for (const part of touched) cross(state, original.payeeId, -part.amount, state.lots.get(part.lotId)!.class)
  const outcome = done(state, {
    id: transferId,
    kind: 'refund',
    payerId: original.payeeId,
    payeeId: original.payerId,
    reverses: original.id,
    lots: touched,
  })
  bookDue(state, original.payerId)
  return outcome
}

/** A lot that expired meanwhile is issued anew with days of grace, once; or it forfeits what comes back. */
function putBack(state: State, part: Part, transferId: string): Part {
  const lot = state.lots.get(part.lotId)!
  if (!isPast(state, lot.expiresAt) || state.settings.refundGraceDays === 0 || lot.isReissued) {
    lot.remaining += part.amount
    return part
  }
  const reissued = addLot(state, {
    accountId: lot.accountId,
    class: lot.class,
    amount: part.amount,
    issuedAt: lot.issuedAt,
    expiresAt: new Date(state.now.getTime() + state.settings.refundGraceDays * 86_400_000),
    transferId,
    sourceLotId: lot.id,
    isReissued: true,
    paymentId: lot.paymentId,
  })
  return { lotId: reissued.id, amount: part.amount }
}

/** Rule 4: only while the lot is whole, and once only. */
export function cancel(state: State, command: Of<'cancel'>): ModelOutcome {
  const original = state.transfers.find((transfer) => transfer.id === command.transferId)
  if (!original) return refuse('transfer-unknown', 404)
  if (original.kind !== 'charge' && original.kind !== 'grant') return refuse('not-cancellable', 409)
  bookDue(state, original.payeeId)
  const isCancelled = state.transfers.some(
    (transfer) => transfer.kind === 'cancel' && transfer.reverses === original.id,
  )
  if (isCancelled) return refuse('already-cancelled', 409)
  const lot = [...state.lots.values()].find((lot) => lot.transferId === original.id)!
  if (lot.remaining !== lot.amount || lot.held > 0) return refuse('lot-touched', 409)
  const parts = [{ lotId: lot.id, amount: lot.amount }]
  takeOut(state, parts)
  crossParts(state, state.system.issuance, parts)
  return done(state, {
    kind: 'cancel',
    payerId: original.payeeId,
    payeeId: state.system.issuance,
    reverses: original.id,
    lots: parts,
  })
}

/** Rule 5: the receiver's sub-lots name the lots they came from, with class and expiry. */
export function move(state: State, command: Of<'move'>): ModelOutcome {
  if (command.walletId === command.toWalletId) return refuse('same-wallet', 400)
  if (!hasLots(state, command.walletId) || !hasLots(state, command.toWalletId)) return refuse('wallet-unknown', 404)
  bookDue(state, command.walletId)
  bookDue(state, command.toWalletId)
  const free = freeLots(state, command.walletId)
  const parts = choose(command.amount, free)
  if (!parts) return insufficient(pointsIn(free), command.amount)
  const refused = refuseIncoming(state, command.toWalletId, command.amount)
  if (refused) return refused
  takeOut(state, parts)
  const transferId = state.newId('transfer')
  for (const part of parts) {
    const source = state.lots.get(part.lotId)!
    addLot(state, {
      accountId: command.toWalletId,
      class: source.class,
      amount: part.amount,
      issuedAt: source.issuedAt,
      expiresAt: source.expiresAt,
      transferId,
      sourceLotId: source.id,
      isReissued: source.isReissued,
      paymentId: source.paymentId,
    })
  }
  return done(state, {
    id: transferId,
    kind: 'move',
    payerId: command.walletId,
    payeeId: command.toWalletId,
    lots: parts,
  })
}

export function reward(state: State, command: Of<'reward'>): ModelOutcome {
  if (state.accounts.get(command.potId)?.kind !== 'pot') return refuse('wallet-unknown', 404)
  if (!hasLots(state, command.walletId)) return refuse('wallet-unknown', 404)
  if (isPast(state, command.expiresAt)) return refuse('expires-in-past', 400)
  bookDue(state, command.potId)
  bookDue(state, command.walletId)
  const free = freeLots(state, command.potId)
  const parts = choose(command.amount, free)
  if (!parts) return insufficient(pointsIn(free), command.amount)
  const refused = refuseIncoming(state, command.walletId, command.amount)
  if (refused) return refused
  takeOut(state, parts)
  const transferId = state.newId('transfer')
  const { walletId, amount, expiresAt } = command
  const lot = addLot(state, { accountId: walletId, class: 'prize', amount, expiresAt, transferId })
  return done(state, {
    id: transferId,
    kind: 'reward',
    payerId: command.potId,
    payeeId: walletId,
    lots: [{ lotId: lot.id, amount }],
  })
}

export function hold(state: State, command: Of<'hold'>): ModelOutcome {
  if (!hasLots(state, command.walletId)) return refuse('wallet-unknown', 404)
  const payee = state.accounts.get(command.payeeId)
  if (payee?.kind !== 'merchant' && command.payeeId !== state.system.payout) return refuse('merchant-unknown', 404)
  const named = command.lotId === null ? null : state.lots.get(command.lotId)
  if (named !== null && named?.accountId !== command.walletId) return refuse('lot-unknown', 404)
  bookDue(state, command.walletId)
  const free = freeLots(state, command.walletId).filter((lot) => named === null || lot === named)
  const parts = choose(command.amount, free)
  if (!parts) return insufficient(pointsIn(free), command.amount)
  for (const part of parts) state.lots.get(part.lotId)!.held += part.amount
  const made: ModelHold = {
    id: state.newId('hold'),
    walletId: command.walletId,
    payeeId: command.payeeId,
    status: 'pending',
    amount: command.amount,
    postedAmount: 0,
    expiresAt: new Date(state.now.getTime() + command.expiresInSeconds * 1000),
    parts,
  }
  state.holds.set(made.id, made)
  return done(state, {
    kind: 'hold',
    payerId: command.walletId,
    payeeId: command.payeeId,
    holdId: made.id,
    lots: parts,
  })
}

/** What a post leaves is released; what is released of an expired lot expires at once. */
export function post(state: State, command: Of<'post'>): ModelOutcome {
  const found = state.holds.get(command.holdId)
  if (!found) return refuse('hold-unknown', 404)
  bookDue(state, found.walletId)
  if (found.status !== 'pending') return refuse('hold-not-pending', 409)
  const amount = command.amount ?? found.amount
  if (amount > found.amount) return refuse('post-too-large', 409)
  release(state, found)
  found.status = 'posted'
  found.postedAmount = amount
  const parts = firstOf(found.parts, amount)
  takeOut(state, parts)
  crossParts(state, found.payeeId, parts)
  const outcome = done(state, {
    kind: found.payeeId === state.system.payout ? 'payout' : 'post',
    payerId: found.walletId,
    payeeId: found.payeeId,
    holdId: found.id,
    lots: parts,
  })
  bookDue(state, found.walletId)
  return outcome
}

export function voidHold(state: State, command: Of<'void'>): ModelOutcome {
  const found = state.holds.get(command.holdId)
  if (!found) return refuse('hold-unknown', 404)
  bookDue(state, found.walletId)
  if (found.status !== 'pending') return refuse('hold-not-pending', 409)
  const outcome = letGo(state, found, 'voided')
  bookDue(state, found.walletId)
  return outcome
}

export function adjust(state: State, command: Of<'adjust'>): ModelOutcome {
  const { accountId, amount } = command
  const account = state.accounts.get(accountId)
  if (!account || account.kind === 'system') return refuse('wallet-unknown', 404)
  const adjustments = state.system.adjustments
  const sides = amount > 0 ? { payerId: adjustments, payeeId: accountId } : { payerId: accountId, payeeId: adjustments }
  if (account.kind === 'merchant') {
    const total = balanceOf(state, accountId)
    const inClass = account.crossed[command.class]
    if (amount < 0 && inClass < -amount) return insufficient(inClass, -amount)
    if (amount < 0 && total < -amount) return insufficient(total, -amount)
    cross(state, accountId, amount, command.class)
    cross(state, adjustments, -amount, command.class)
    return done(state, { kind: 'adjust', ...sides, amount: Math.abs(amount), lots: [] })
  }
  bookDue(state, accountId)
  if (amount > 0) {
    const refused = refuseIncoming(state, accountId, amount)
    if (refused) return refused
    const transferId = state.newId('transfer')
    const lot = addLot(state, { accountId, class: command.class, amount, expiresAt: null, transferId })
    cross(state, adjustments, -amount, command.class)
    return done(state, { id: transferId, kind: 'adjust', ...sides, lots: [{ lotId: lot.id, amount }] })
  }
  const free = freeLots(state, accountId).filter((lot) => lot.class === command.class)
  const parts = choose(-amount, free)
  if (!parts) return insufficient(pointsIn(free), -amount)
  takeOut(state, parts)
  crossParts(state, adjustments, parts)
  return done(state, { kind: 'adjust', ...sides, lots: parts })
}

/** Of what is free in the lot and its reissues as much as is asked for; the rest of that is nobody's any more. */
export function takeBack(state: State, command: Of<'take-back'>): ModelOutcome {
  const lot = state.lots.get(command.lotId)
  if (!lot) return refuse('lot-unknown', 404)
  bookDue(state, lot.accountId)
  const reissues = [...state.lots.values()].filter((other) => other.sourceLotId === lot.id)
  const there = freeLots(state, lot.accountId)
  const free = [lot, ...reissues].filter((candidate) => there.includes(candidate))
  const amount = Math.min(command.upTo, pointsIn(free))
  const parts = amount > 0 && choose(amount, free)
  if (!parts) return insufficient(0, command.upTo)
  takeOut(state, parts)
  crossParts(state, state.system.adjustments, parts)
  return done(state, { kind: 'adjust', payerId: lot.accountId, payeeId: state.system.adjustments, lots: parts })
}

export function payout(state: State, command: Of<'payout'>): ModelOutcome {
  if ('merchantId' in command.from) {
    const { merchantId } = command.from
    if (state.accounts.get(merchantId)?.kind !== 'merchant') return refuse('merchant-unknown', 404)
    const has = balanceOf(state, merchantId)
    if (has < BigInt(command.amount)) return insufficient(has, command.amount)
    let left = BigInt(command.amount)
    for (const pointClass of ['paid', 'prize', 'bonus'] as const) {
      const inClass = state.accounts.get(merchantId)!.crossed[pointClass]
      const taken = inClass <= 0n ? 0n : inClass < left ? inClass : left
      left -= taken
      cross(state, merchantId, -Number(taken), pointClass)
      cross(state, state.system.payout, Number(taken), pointClass)
    }
    const payeeId = state.system.payout
    return done(state, { kind: 'payout', payerId: merchantId, payeeId, amount: command.amount, lots: [] })
  }
  const lot = state.lots.get(command.from.lotId)
  if (!lot) return refuse('lot-unknown', 404)
  bookDue(state, lot.accountId)
  if (lot.class !== 'paid') return refuse('lot-not-paid', 409)
  const free = freeLots(state, lot.accountId).filter((candidate) => candidate === lot)
  const parts = choose(command.amount, free)
  if (!parts) return insufficient(pointsIn(free), command.amount)
  takeOut(state, parts)
  crossParts(state, state.system.payout, parts)
  return done(state, { kind: 'payout', payerId: lot.accountId, payeeId: state.system.payout, lots: parts })
}
