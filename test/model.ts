import type { Command } from '#modules/ledger'
import {
  adjust,
  cancel,
  charge,
  hold,
  move,
  payout,
  post,
  refund,
  reward,
  spend,
  takeBack,
  voidHold,
} from './model-commands.ts'
import {
  balanceOf,
  bookDue,
  hasLots,
  type ModelAccount,
  type ModelHold,
  type ModelLot,
  type ModelOptions,
  type ModelOutcome,
  type ModelTransfer,
  refuse,
  type State,
} from './model-state.ts'

// The ledger's rules written down as simply as they can be said: one command at a time, every lot looked at every
// time, no indexes, no batches, nothing shared with the real decisions. It is slow, and it is what they must equal.

export interface Model {
  open(account: Pick<ModelAccount, 'id' | 'kind'>): void
  /** Closes a wallet for good, as when its owner leaves; it must be empty. */
  close(accountId: string): void
  /** Carries out one command at this instant; instants never run backwards. */
  apply(command: Command, now: Date): ModelOutcome
  readonly accounts: ReadonlyMap<string, ModelAccount>
  readonly lots: ReadonlyMap<string, ModelLot>
  readonly holds: ReadonlyMap<string, ModelHold>
  /** Every transfer in order, those the house booked by itself included. */
  readonly transfers: readonly ModelTransfer[]
  balance(accountId: string): bigint
  /** A model of its own with the same books, for asking what would happen. */
  fork(): Model
}

export function openModel(options: ModelOptions): Model {
  const books = { accounts: new Map(), lots: new Map(), holds: new Map(), transfers: [], answers: new Map() }
  const model = modelOver({ ...options, ...books, closed: new Set(), now: new Date(0) })
  for (const id of Object.values(options.system)) model.open({ id, kind: 'system' })
  return model
}

function modelOver(state: State): Model {
  return {
    open(account) {
      state.accounts.set(account.id, { ...account, crossed: { bonus: 0n, prize: 0n, paid: 0n } })
    },
    close(accountId) {
      if (balanceOf(state, accountId) > 0n) throw new Error(`${accountId} is not empty`)
      state.closed.add(accountId)
    },
    apply(command, now) {
      if (now < state.now) throw new Error('the clock of the model ran backwards')
      state.now = now
      return answerOnce(state, command)
    },
    accounts: state.accounts,
    lots: state.lots,
    holds: state.holds,
    transfers: state.transfers,
    balance: (accountId) => balanceOf(state, accountId),
    fork() {
      const { settings, system, newId, ...books } = state
      return modelOver({ settings, system, newId, ...structuredClone(books) })
    },
  }
}

/** Rule 6: one effect per key; refusals of status 409 are kept too, other refusals are not. */
function answerOnce(state: State, command: Command): ModelOutcome {
  const known = command.key && state.answers.get(command.key.digest)
  if (known && known.requestHash !== command.key.requestHash) return refuse('key-reused', 422)
  if (known) return { ...(known.outcome as Exclude<ModelOutcome, { status: 'booked' }>), replayed: true }
  const outcome = carryOut(state, command)
  if (command.key && (outcome.status === 'done' || (outcome.status === 'refused' && outcome.http === 409))) {
    state.answers.set(command.key.digest, {
      requestHash: command.key.requestHash,
      outcome: structuredClone(outcome),
    })
  }
  return outcome
}

function carryOut(state: State, command: Command): ModelOutcome {
  switch (command.kind) {
    case 'charge':
    case 'grant':
      return charge(state, command)
    case 'spend':
      return spend(state, command)
    case 'refund':
      return refund(state, command)
    case 'cancel':
      return cancel(state, command)
    case 'move':
      return move(state, command)
    case 'reward':
      return reward(state, command)
    case 'hold':
      return hold(state, command)
    case 'post':
      return post(state, command)
    case 'void':
      return voidHold(state, command)
    case 'adjust':
      return adjust(state, command)
    case 'take-back':
      return takeBack(state, command)
    case 'payout':
      return payout(state, command)
    case 'expire':
      if (!hasLots(state, command.walletId)) return refuse('wallet-unknown', 404)
      bookDue(state, command.walletId)
      return { status: 'booked' }
  }
}
