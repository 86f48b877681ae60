import type { IdempotencyKey, StoredAnswer } from '#platform/idempotency'
import type { ProblemKind, ProblemParams } from '#platform/problem'
import {
  type Class,
  type Command,
  classes,
  type HoldState,
  type LotShare,
  type Outcome,
  type Transfer,
} from './commands.ts'
import { ledgerProblems } from './problems.ts'
import { systemAccounts } from './system-accounts.ts'

/**
 * What a key keeps of an outcome, for ever: everything that the request itself does not say, as one JSON array with
 * a version in front. A later version gets a reader of its own beside this one; this one stays as it is.
 */
type SuccessV1 = [
  version: 1,
  id: string,
  kind: Transfer['kind'],
  seq: number | null,
  createdAt: number,
  amount: number,
  balanceAfter: number | null,
  sides: [payerId: string, payeeId: string, reverses: string | null, holdId: string | null] | 0,
  lots: LotV1[],
  hold: HoldV1 | 0,
]
/** A kind of another room is kept whole: the ledger knows only its own. */
type RefusalV1 = [version: 1, type: string, params: ProblemParams, foreignKind?: ProblemKind]
type LotV1 = [lotId: string, classIndex: number, amount: number, expiresAt: number | null]
type HoldV1 = [
  id: string,
  walletId: string,
  payeeId: string,
  status: HoldState['status'],
  amount: number,
  postedAmount: number,
  createdAt: number,
  expiresAt: number,
  lots: LotV1[],
  memberId: string | null,
  reason: string | null,
  reference: string | null,
  metadata: HoldState['metadata'],
  postTransferId: string | null,
]

const success = 200

/** The row that makes a later request with the same key answer the same. */
export function toStored(key: IdempotencyKey, outcome: Outcome, command: Command): StoredAnswer {
  if (outcome.status === 'refused') {
    const { kind, params } = outcome.problem
    const answer: RefusalV1 = ownKind(kind.type) ? [1, kind.type, params] : [1, kind.type, params, kind]
    return { ...pick(key), status: kind.status, answer: JSON.stringify(answer) }
  }
  if (outcome.status !== 'done') throw new Error(`an outcome that is ${outcome.status} is not an answer`)
  const { transfer: t, hold } = outcome
  const answer: SuccessV1 = [
    1,
    t.id,
    t.kind,
    t.seq,
    t.createdAt.getTime(),
    t.amount,
    t.balanceAfter,
    sidesOf(command) ? 0 : [t.payerId, t.payeeId, t.reverses, t.holdId],
    t.lots.map(toLotV1),
    hold ? toHoldV1(hold) : 0,
  ]
  return { ...pick(key), status: success, answer: JSON.stringify(answer) }
}

/** The first outcome again, from what the key kept and the command that came with it once more. */
export function fromStored(stored: StoredAnswer, command: Command): Outcome {
  if (stored.status !== success) {
    const [, type, params, foreignKind] = JSON.parse(stored.answer) as RefusalV1
    const kind = ownKind(type) ?? foreignKind
    if (!kind) throw new Error(`no problem ${type} is known`)
    return { status: 'refused', problem: { kind, params }, replayed: true }
  }
  const answer = JSON.parse(stored.answer) as SuccessV1
  const [, id, kind, seq, createdAt, amount, balanceAfter, sides, lots, hold] = answer
  const given = sidesOf(command)
  const transfer: Transfer = {
    id,
    kind,
    amount,
    payerId: sides ? sides[0] : given!.payerId,
    payeeId: sides ? sides[1] : given!.payeeId,
    memberId: command.memberId,
    actor: command.actor,
    seq,
    reason: command.reason,
    reference: command.reference,
    metadata: command.metadata,
    createdAt: new Date(createdAt),
    reverses: sides ? sides[2] : null,
    holdId: sides ? sides[3] : hold ? hold[0] : null,
    lots: lots.map(fromLotV1),
    balanceAfter,
  }
  return { status: 'done', transfer, hold: hold ? fromHoldV1(hold) : null, replayed: true }
}

function ownKind(type: string): ProblemKind | undefined {
  return Object.values(ledgerProblems).find((kind) => kind.type === type)
}

/** Payer and payee where the request itself names both. */
function sidesOf(command: Command): { payerId: string; payeeId: string } | null {
  if (command.isPayeeAssumed) return null
  switch (command.kind) {
    case 'charge':
    case 'grant':
      return { payerId: systemAccounts.issuance, payeeId: command.walletId }
    case 'spend':
      return { payerId: command.walletId, payeeId: command.merchantId }
    case 'move':
      return { payerId: command.walletId, payeeId: command.toWalletId }
    case 'reward':
      return { payerId: command.potId, payeeId: command.walletId }
    case 'hold':
      return { payerId: command.walletId, payeeId: command.payeeId }
    default:
      return null
  }
}

function pick(key: IdempotencyKey): IdempotencyKey {
  return { digest: key.digest, requestHash: key.requestHash }
}

function toLotV1(lot: LotShare): LotV1 {
  return [lot.lotId, classes.indexOf(lot.class), lot.amount, lot.expiresAt?.getTime() ?? null]
}

function fromLotV1([lotId, classIndex, amount, expiresAt]: LotV1): LotShare {
  return {
    lotId,
    class: classes[classIndex] as Class,
    amount,
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
  }
}

function toHoldV1(hold: HoldState): HoldV1 {
  const { id, walletId, payeeId, status, amount, postedAmount, createdAt, expiresAt, lots } = hold
  const { memberId, reason, reference, metadata, postTransferId } = hold
  const times = [createdAt.getTime(), expiresAt.getTime()] as const
  const note = [memberId, reason, reference, metadata, postTransferId] as const
  return [id, walletId, payeeId, status, amount, postedAmount, ...times, lots.map(toLotV1), ...note]
}

function fromHoldV1(hold: HoldV1): HoldState {
  const [id, walletId, payeeId, status, amount, postedAmount, createdAt, expiresAt, lots, ...note] = hold
  const [memberId, reason, reference, metadata, postTransferId] = note
  return {
    id,
    walletId,
    payeeId,
    status,
    amount,
    postedAmount,
    createdAt: new Date(createdAt),
    expiresAt: new Date(expiresAt),
    memberId,
    reason,
    reference,
    metadata,
    postTransferId,
    lots: lots.map(fromLotV1),
  }
}
