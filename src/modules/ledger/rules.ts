import { awaitedStatus, idempotencyProblems, type StoredAnswer } from '#platform/idempotency'
import { fromStored, toStored } from './answers.ts'
import type { Adjust, Charge, Command, Move, Outcome, Payout, Reward, Spend, TakeBack } from './commands.ts'
import { Draft, free, type Leg, NeedsMore } from './draft.ts'
import { bookDue } from './expiry.ts'
import { holdPoints, postHold, voidHold } from './holds.ts'
import { available, type Case, done, insufficient, refuse, refuseIncoming, short } from './outcomes.ts'
import { ledgerProblems as problems } from './problems.ts'
import { cancelCharge, refundSpend } from './refunds.ts'
import type { Delta, Needs, State } from './state.ts'
import { systemAccounts } from './system-accounts.ts'

/** A batch stops taking commands when it has this many legs; a larger transfer runs alone. */
const legsMax = 5_000

export type Decision = { readonly needs: Needs } | { readonly outcomes: Outcome[]; readonly delta: Delta }

/** Decides a batch: a pure function of what was read under the locks, the commands, and a source of ids. */
export function decide(state: State, commands: readonly Command[], newId: () => string): Decision {
  const draft = new Draft(state, newId)
  const answers = new Map(state.answers)
  const needs = { pages: new Set<string>(), due: new Set<string>() }
  const outcomes = commands.map((command): Outcome => {
    try {
      return decideOne(draft, answers, command)
    } catch (error) {
      if (!(error instanceof NeedsMore)) throw error
      needs[error.what].add(error.accountId)
      return { status: 'again', isLocked: false }
    }
  })
  if (needs.pages.size + needs.due.size > 0) return { needs }
  return { outcomes, delta: draft.delta() }
}

function decideOne(draft: Draft, answers: Map<string, StoredAnswer>, command: Command): Outcome {
  const stored = command.key && answers.get(command.key.digest)
  if (stored && (stored.status !== awaitedStatus || !command.isFinal)) {
    if (stored.requestHash !== command.key!.requestHash) return refuse(idempotencyProblems.keyReused)
    return stored.status === awaitedStatus ? refuse(idempotencyProblems.awaited) : fromStored(stored, command)
  }
  if (draft.legCount >= legsMax) return { status: 'again', isLocked: false }
  const outcome = decideUnkeyed(draft, command)
  if (command.key && (outcome.status === 'done' || isFrozen(outcome, command))) {
    const answer = toStored(command.key, outcome, command)
    answers.set(answer.digest, answer)
    draft.keep(answer)
  }
  return outcome
}

/**
 * Only a decision is kept for ever; what was wrong with the request itself (400, 404, 422) may be mended, unless nobody
 * waits for the answer.
 */
function isFrozen(outcome: Outcome, { isFinal }: Command): outcome is Extract<Outcome, { status: 'refused' }> {
  return outcome.status === 'refused' && (isFinal === true || outcome.problem.kind.status === 409)
}

function decideUnkeyed(draft: Draft, command: Command): Outcome {
  if (command.refusal) return refuse(command.refusal.kind, command.refusal.params)
  const touched = touchedAccounts(draft.state, command)
  if (!Array.isArray(touched)) return touched
  if (touched.some((id) => draft.state.lockedElsewhere.has(id))) return { status: 'again', isLocked: true }
  const accounts = touched.filter((id) => isLotted(draft.state, id)).map((id) => draft.account(id))
  const now = new Date(Math.max(draft.state.clock.getTime(), ...accounts.map((account) => account.lastAt.getTime())))
  let more = false
  for (const account of accounts) more = bookDue(draft, account, now) || more
  if (command.kind === 'expire') return { status: 'booked', more }
  // What is still due must be booked before anything moves; what was booked until here is kept.
  if (more) return { status: 'again', isLocked: false }
  return decideKind({ command, draft, now } as Case<never>, command.kind)
}

function decideKind(it: Case<never>, kind: Command['kind']): Outcome {
  switch (kind) {
    case 'charge':
    case 'grant':
      return chargeWallet(it)
    case 'spend':
      return spendPoints(it)
    case 'refund':
      return refundSpend(it)
    case 'cancel':
      return cancelCharge(it)
    case 'move':
      return movePoints(it)
    case 'reward':
      return rewardWinner(it)
    case 'hold':
      return holdPoints(it)
    case 'post':
      return postHold(it)
    case 'void':
      return voidHold(it)
    case 'adjust':
      return adjustBalance(it)
    case 'take-back':
      return takeBack(it)
    case 'payout':
      return payOut(it)
    default:
      throw new Error(`no rule for ${kind}`)
  }
}

/** The accounts that a command reads or changes, or the refusal when one doesn't exist or is of another kind. */
function touchedAccounts(state: State, command: Command): string[] | Outcome {
  switch (command.kind) {
    case 'charge':
    case 'grant':
    case 'expire':
      return known(state, { wallets: [command.walletId] })
    case 'spend':
      return known(state, { wallets: [command.walletId], merchants: [command.merchantId] })
    case 'move':
      if (command.walletId === command.toWalletId) return refuse(problems.sameWallet)
      return known(state, { wallets: [command.walletId, command.toWalletId] })
    case 'reward':
      return known(state, { wallets: [command.potId, command.walletId] })
    case 'refund':
    case 'cancel': {
      const original = state.originals.get(command.transferId)
      if (!original) return refuse(problems.transferUnknown)
      // The side without lots is never locked, and what can't be reversed is refused without its accounts.
      return [original.payerId, original.payeeId]
    }
    case 'hold': {
      const lot = command.lotId === null ? null : state.lots.get(command.lotId)
      if (lot === undefined || (lot && lot.accountId !== command.walletId)) return refuse(problems.lotUnknown)
      const merchants = command.payeeId === systemAccounts.payout ? [] : [command.payeeId]
      return known(state, { wallets: [command.walletId], merchants })
    }
    case 'post':
    case 'void': {
      const hold = state.holds.get(command.holdId)
      return hold ? [hold.accountId] : refuse(problems.holdUnknown)
    }
    case 'adjust':
      return known(
        state,
        isLotted(state, command.accountId) || state.lockedElsewhere.has(command.accountId)
          ? { wallets: [command.accountId] }
          : { merchants: [command.accountId] },
      )
    case 'take-back': {
      const lot = state.lots.get(command.lotId)
      return lot ? [lot.accountId] : refuse(problems.lotUnknown)
    }
    case 'payout': {
      if ('merchantId' in command.from) return known(state, { merchants: [command.from.merchantId] })
      const lot = state.lots.get(command.from.lotId)
      return lot ? [lot.accountId] : refuse(problems.lotUnknown)
    }
  }
}

function known(state: State, ids: { wallets?: readonly string[]; merchants?: readonly string[] }): string[] | Outcome {
  const { wallets = [], merchants = [] } = ids
  const isThere = (id: string, isRight: boolean) => isRight || state.lockedElsewhere.has(id)
  if (!wallets.every((id) => isThere(id, isLotted(state, id)))) return refuse(problems.walletUnknown)
  if (!merchants.every((id) => isThere(id, state.accounts.get(id)?.kind === 'merchant'))) {
    return refuse(problems.merchantUnknown)
  }
  return [...wallets, ...merchants]
}

function isLotted(state: State, id: string): boolean {
  const kind = state.accounts.get(id)?.kind
  return kind === 'wallet' || kind === 'pot'
}

function chargeWallet({ command, draft, now }: Case<Charge>): Outcome {
  const wallet = draft.account(command.walletId)
  if (command.expiresAt && command.expiresAt <= now) return refuse(problems.expiresInPast)
  const refusal = refuseIncoming(wallet, command.amount)
  if (refusal) return refusal
  const id = draft.newId()
  const lot = draft.openLot({
    id: draft.newId(),
    accountId: wallet.id,
    class: command.class,
    issuedAt: command.issuedAt ?? now,
    expiresAt: command.expiresAt,
    amount: command.amount,
    transferId: id,
    sourceLotId: null,
    paymentId: command.paymentId,
    isReissued: false,
  })
  const legs = [{ lot, amount: command.amount, held: 0 }]
  const sides = { payerId: systemAccounts.issuance, payeeId: wallet.id }
  return done(draft.book({ id, kind: command.kind, amount: command.amount, ...sides, legs, at: now }, command))
}

function spendPoints({ command, draft, now }: Case<Spend>): Outcome {
  const wallet = draft.account(command.walletId)
  if (available(wallet) < command.amount) return insufficient(wallet, command.amount)
  const legs = draft.take(wallet, command.amount).map(({ lot, amount }) => ({ lot, amount: -amount, held: 0 }))
  const sides = { payerId: wallet.id, payeeId: command.merchantId }
  return done(draft.book({ kind: 'spend', amount: command.amount, ...sides, legs, at: now }, command))
}

function movePoints({ command, draft, now }: Case<Move>): Outcome {
  const wallet = draft.account(command.walletId)
  const receiver = draft.account(command.toWalletId)
  if (available(wallet) < command.amount) return insufficient(wallet, command.amount)
  const refusal = refuseIncoming(receiver, command.amount)
  if (refusal) return refusal
  const id = draft.newId()
  const legs = draft.take(wallet, command.amount).flatMap(({ lot, amount }) => {
    const received = draft.openLot({
      id: draft.newId(),
      accountId: receiver.id,
      class: lot.class,
      issuedAt: lot.issuedAt,
      expiresAt: lot.expiresAt,
      amount,
      transferId: id,
      sourceLotId: lot.id,
      paymentId: lot.paymentId,
      isReissued: lot.isReissued,
    })
    return [
      { lot, amount: -amount, held: 0 },
      { lot: received, amount, held: 0 },
    ]
  })
  const sides = { payerId: wallet.id, payeeId: receiver.id }
  return done(draft.book({ id, kind: 'move', amount: command.amount, ...sides, legs, at: now }, command))
}

/** The one transfer that changes class: stakes of any class become a prize. */
function rewardWinner({ command, draft, now }: Case<Reward>): Outcome {
  const pot = draft.account(command.potId)
  const winner = draft.account(command.walletId)
  if (command.expiresAt && command.expiresAt <= now) return refuse(problems.expiresInPast)
  if (available(pot) < command.amount) return insufficient(pot, command.amount)
  const refusal = refuseIncoming(winner, command.amount)
  if (refusal) return refusal
  const id = draft.newId()
  const legs = draft.take(pot, command.amount).map(({ lot, amount }) => ({ lot, amount: -amount, held: 0 }))
  const lot = draft.openLot({
    id: draft.newId(),
    accountId: winner.id,
    class: 'prize',
    issuedAt: now,
    expiresAt: command.expiresAt,
    amount: command.amount,
    transferId: id,
    sourceLotId: null,
    paymentId: null,
    isReissued: false,
  })
  const sides = { payerId: pot.id, payeeId: winner.id }
  const booking = { id, kind: 'reward' as const, amount: command.amount, ...sides, at: now }
  return done(draft.book({ ...booking, legs: [...legs, { lot, amount: command.amount, held: 0 }] }, command))
}

function adjustBalance(it: Case<Adjust>): Outcome {
  const { command, draft, now } = it
  const amount = Math.abs(command.amount)
  const isUp = command.amount > 0
  const sides = isUp
    ? { payerId: systemAccounts.adjustments, payeeId: command.accountId }
    : { payerId: command.accountId, payeeId: systemAccounts.adjustments }
  const booking = { id: draft.newId(), kind: 'adjust' as const, amount, ...sides, at: now }
  if (!isLotted(draft.state, command.accountId)) {
    const balance = draft.rolled(command.accountId)
    const inAll = balance.bonus + balance.prize + balance.paid
    if (!isUp && balance[command.class] < amount) return short(balance[command.class], amount)
    if (!isUp && inAll < amount) return short(inAll, amount)
    const crossing = { bonus: 0, prize: 0, paid: 0, [command.class]: amount }
    return done(draft.book({ ...booking, legs: [], crossing }, command))
  }
  const account = draft.account(command.accountId)
  if (!isUp) {
    const taken = draft.take(account, amount, command.class)
    const has = taken.reduce((sum, part) => sum + part.amount, 0)
    if (has < amount) return short(BigInt(has), amount)
    const legs = taken.map((part) => ({ lot: part.lot, amount: -part.amount, held: 0 }))
    return done(draft.book({ ...booking, legs }, command))
  }
  const refusal = refuseIncoming(account, amount)
  if (refusal) return refusal
  const lot = draft.openLot({
    id: draft.newId(),
    accountId: account.id,
    class: command.class,
    issuedAt: now,
    expiresAt: null,
    amount,
    transferId: booking.id,
    sourceLotId: null,
    paymentId: null,
    isReissued: false,
  })
  return done(draft.book({ ...booking, legs: [{ lot, amount, held: 0 }] }, command))
}

function takeBack({ command, draft, now }: Case<TakeBack>): Outcome {
  const given = draft.lot(command.lotId)
  const legs: Leg[] = []
  let missing = command.upTo
  for (const lot of [given, ...draft.reissuesOf(given)]) {
    const part = Math.min(missing, free(lot))
    if (part > 0) legs.push({ lot, amount: -part, held: 0 })
    missing -= part
  }
  const amount = command.upTo - missing
  if (amount === 0) return short(0n, command.upTo)
  const sides = { payerId: given.accountId, payeeId: systemAccounts.adjustments }
  return done(draft.book({ kind: 'adjust', amount, ...sides, legs, at: now }, command))
}

function payOut(it: Case<Payout>): Outcome {
  const { command, draft, now } = it
  const booking = { kind: 'payout' as const, amount: command.amount, payeeId: systemAccounts.payout, at: now }
  if ('lotId' in command.from) {
    const lot = draft.lot(command.from.lotId)
    if (lot.class !== 'paid') return refuse(problems.lotNotPaid)
    if (free(lot) < command.amount) return short(BigInt(free(lot)), command.amount)
    const legs = [{ lot, amount: -command.amount, held: 0 }]
    return done(draft.book({ ...booking, payerId: lot.accountId, legs }, command))
  }
  const { merchantId } = command.from
  const balance = draft.rolled(merchantId)
  const has = balance.bonus + balance.prize + balance.paid
  if (has < command.amount) return short(has, command.amount)
  const crossing = { bonus: 0, prize: 0, paid: 0 }
  let missing = BigInt(command.amount)
  for (const part of ['paid', 'prize', 'bonus'] as const) {
    const taken = balance[part] < 0n ? 0n : balance[part] < missing ? balance[part] : missing
    crossing[part] = Number(taken)
    missing -= taken
  }
  return done(draft.book({ ...booking, payerId: merchantId, legs: [], crossing }, command))
}
