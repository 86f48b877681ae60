import assert from 'node:assert/strict'
import type { HoldState, Outcome, Transfer } from '#modules/ledger'
import type { Names } from './ledger-operations.ts'
import type { Model } from './model.ts'
import type { ModelHold, ModelOutcome, ModelTransfer } from './model-state.ts'

/** Fails unless the real outcome is what the model says; pairs the ids of what both made. */
export function assertSameOutcome(
  real: Outcome,
  expected: ModelOutcome,
  context: { model: Model; names: Names },
): void {
  if (real.status === 'refused') {
    const { type, status: http } = real.problem.kind
    if (expected.status !== 'refused') assert.fail(`${type}, but the model says ${JSON.stringify(expected)}`)
    assert.equal(http, expected.http)
    // Of two things that don't exist, either may be named.
    if (http !== 404) assert.equal(type.split('/').at(-1), expected.problem)
    if (expected.params) assert.deepEqual(real.problem.params, expected.params)
    assert.equal(real.replayed, expected.replayed)
    return
  }
  assert.equal(real.status, expected.status, JSON.stringify(expected, null, 1))
  if (real.status !== 'done' || expected.status !== 'done') return
  assert.equal(real.replayed, expected.replayed)
  assertSameTransfer(real.transfer, expected.transfer, context)
  assert.equal(real.hold === null, expected.hold === null)
  if (real.hold && expected.hold) assertSameHold(real.hold, expected.hold, context)
}

function assertSameTransfer(real: Transfer, expected: ModelTransfer, { model, names }: { model: Model; names: Names }) {
  assert.equal(names.match(real, expected), null)
  const walletId = walletOf(real, model)
  const balanceAfter = walletId === null ? null : expected.balances.get(walletId)
  const share = ({ lotId, amount }: { lotId: string; amount: number }) => {
    const lot = model.lots.get(names.of(lotId))!
    return { class: lot.class, amount, expiresAt: lot.expiresAt }
  }
  const { kind, amount, payerId, payeeId } = expected
  assert.deepEqual(
    {
      kind: real.kind,
      amount: real.amount,
      payerId: real.payerId,
      payeeId: real.payeeId,
      reverses: real.reverses && names.of(real.reverses),
      at: real.createdAt,
      balanceAfter: real.balanceAfter,
      lots: real.lots.map(({ class: pointClass, amount, expiresAt }) => ({ class: pointClass, amount, expiresAt })),
    },
    {
      kind,
      amount,
      payerId,
      payeeId,
      reverses: expected.reverses,
      at: expected.at,
      balanceAfter,
      lots: expected.lots.map(share),
    },
  )
}

/** The wallet that a transfer was decided on: the payer's where it has lots, else the payee's. */
function walletOf(transfer: Transfer, model: Model): string | null {
  const isLotted = (id: string) => ['wallet', 'pot'].includes(model.accounts.get(id)!.kind)
  if (transfer.kind === 'reward') return transfer.payeeId
  if (isLotted(transfer.payerId)) return transfer.payerId
  return isLotted(transfer.payeeId) ? transfer.payeeId : null
}

function assertSameHold(real: HoldState, expected: ModelHold, { names }: { names: Names }): void {
  assert.equal(names.match(real, { id: expected.id, lots: expected.parts }), null)
  const { walletId, payeeId, status, amount, postedAmount, expiresAt, lots } = real
  assert.deepEqual(
    { walletId, payeeId, status, amount, postedAmount, expiresAt, lots: lots.map((lot) => lot.amount) },
    {
      walletId: expected.walletId,
      payeeId: expected.payeeId,
      status: expected.status,
      amount: expected.amount,
      postedAmount: expected.postedAmount,
      expiresAt: expected.expiresAt,
      lots: expected.parts.map((part) => part.amount),
    },
  )
}

/** A lot as both sides can say it: ids left out, instants in milliseconds. */
export interface LotFigures {
  readonly accountId: string
  readonly class: string
  readonly issuedAt: Date
  readonly expiresAt: Date | null
  readonly amount: number
  readonly remaining: number
  readonly held: number
  readonly isReissued: boolean
}

/** One line for each lot of each account, sorted, so that two books can be laid side by side. */
export function lotLines(lots: Iterable<LotFigures>): string[] {
  return [...lots].map(lotLine).sort()
}

function lotLine(lot: LotFigures): string {
  const { accountId, class: pointClass, issuedAt, expiresAt, amount, remaining, held, isReissued } = lot
  const life = `issued ${issuedAt.getTime()}${isReissued ? ' anew' : ''} expires ${expiresAt?.getTime() ?? 'never'}`
  return `${accountId} ${pointClass} ${life} amount ${amount} remaining ${remaining} held ${held}`
}
