import { classes } from '#modules/ledger'
import { failureOf, type Sql, type TransactionSql } from '#platform/database'
import { isKeyConflict } from '#platform/idempotency'
import { newId } from '#platform/ids'
import type { SpendCommand } from '../spends.ts'

// What the references share: the ledger's own tables, rows, checks and answer, one spend in one transaction. Each
// statement is prepared by name and pipelined as the ledger's are, so that batching is all that differs.

interface AccountRow {
  kind: string
  bonus: number
  prize: number
  paid: number
  held: number
  seq: number
  last_at: Date
  next_due_at: Date | null
}

interface LotRow {
  id: string
  class: 'bonus' | 'prize' | 'paid'
  remaining: number
  held: number
  expires_at: Date | null
}

export interface SpendState {
  readonly account: AccountRow
  readonly hasMerchant: boolean
  readonly lots: readonly LotRow[]
  readonly now: Date
  readonly stored: { readonly request_hash: string; readonly answer: string } | null
}

const accountText = `select kind, bonus, prize, paid, held, seq, last_at, next_due_at from ledger.account where id = $1`

/** Reads all that a spend is decided on; every statement after the first sees what its wait let through. */
export async function readSpendState(
  sql: Sql,
  command: SpendCommand,
  options: { isLocking: boolean },
): Promise<SpendState> {
  const [accounts, merchants, lots, times, stored] = await Promise.all([
    sql.rows<AccountRow>(options.isLocking ? `${accountText} for update` : accountText, [command.walletId]),
    sql.rows<{ kind: string }>('select kind from ledger.account where id = $1', [command.merchantId]),
    sql.rows<LotRow>(
      `select id, class, remaining, held, expires_at from ledger.lot
       where account_id = $1 and open order by class, expires_at, issued_at, id limit 64`,
      [command.walletId],
    ),
    sql.rows<{ now: Date }>('select platform.programme_time() as now'),
    sql.rows<{ request_hash: string; answer: string }>(
      'select request_hash, answer from platform.idempotency_key where digest = $1',
      [command.key!.digest],
    ),
  ])
  const account = accounts[0]
  if (!account) throw new Error(`no wallet ${command.walletId}`)
  return {
    account,
    hasMerchant: merchants[0]?.kind === 'merchant',
    lots,
    now: times[0]!.now,
    stored: stored[0] ?? null,
  }
}

export interface SpendDecision {
  readonly transferId: string
  readonly at: Date
  readonly takes: readonly { readonly lot: LotRow; readonly amount: number }[]
  readonly crossing: { bonus: number; prize: number; paid: number }
  readonly balanceAfter: number
  readonly answer: string
}

/** Null when the key has answered before. */
export function decideSpend(state: SpendState, command: SpendCommand): SpendDecision | null {
  if (state.stored) {
    if (state.stored.request_hash !== command.key!.requestHash) throw new Error('the key was used for another request')
    return null
  }
  const { account } = state
  const at = new Date(Math.max(account.last_at.getTime(), state.now.getTime()))
  if (!state.hasMerchant || account.kind !== 'wallet') throw new Error('not a wallet and a merchant')
  if (account.next_due_at && account.next_due_at <= at) throw new Error('nothing falls due in a bench')
  const balance = account.bonus + account.prize + account.paid
  if (balance - account.held < command.amount) throw new Error('a bench never runs dry')
  const takes: { lot: LotRow; amount: number }[] = []
  const crossing = { bonus: 0, prize: 0, paid: 0 }
  let missing = command.amount
  for (const lot of state.lots) {
    const amount = Math.min(missing, lot.remaining - lot.held)
    if (amount === 0) continue
    takes.push({ lot, amount })
    crossing[lot.class] += amount
    missing -= amount
    if (missing === 0) break
  }
  if (missing > 0) throw new Error('the lots do not cover the balance')
  const transferId = newId()
  const balanceAfter = balance - command.amount
  const shares = takes.map(({ lot, amount }) => [
    lot.id,
    classes.indexOf(lot.class),
    amount,
    lot.expires_at?.getTime() ?? null,
  ])
  const answer = JSON.stringify([
    1,
    transferId,
    'spend',
    account.seq + 1,
    at.getTime(),
    command.amount,
    balanceAfter,
    0,
    shares,
    0,
  ])
  return { transferId, at, takes, crossing, balanceAfter, answer }
}

export const accountUpdate = `update ledger.account
  set bonus = bonus - $2, prize = prize - $3, paid = paid - $4, seq = seq + 1, last_at = $5
  where id = $1`

export function accountValues(command: SpendCommand, decision: SpendDecision): unknown[] {
  const { bonus, prize, paid } = decision.crossing
  return [command.walletId, bonus, prize, paid, decision.at]
}

/** Everything but the account's update: key, journal and lots. */
export function sendSpend(
  sql: TransactionSql,
  command: SpendCommand,
  state: SpendState,
  decision: SpendDecision,
): void {
  const { bonus, prize, paid } = decision.crossing
  sql.send('insert into platform.idempotency_key (digest, request_hash, status, answer) values ($1, $2, 200, $3)', [
    command.key!.digest,
    command.key!.requestHash,
    decision.answer,
  ])
  sql.send(
    `insert into ledger.transfer (id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, bonus, prize, paid,
                                  lot_ids, lot_classes, lot_amounts, actor_type, actor_id, member_id,
                                  reason, reference, metadata, at)
     values ($1, 'spend', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
    [
      decision.transferId,
      command.amount,
      command.walletId,
      command.merchantId,
      state.account.seq + 1,
      decision.balanceAfter,
      bonus,
      prize,
      paid,
      decision.takes.map((take) => take.lot.id),
      decision.takes.map((take) => take.lot.class),
      decision.takes.map((take) => -take.amount),
      command.actor.type,
      command.actor.id,
      command.memberId,
      command.reason,
      command.reference,
      command.metadata,
      decision.at,
    ],
  )
  for (const { lot, amount } of decision.takes) {
    sql.send('update ledger.lot set remaining = remaining - $2 where id = $1', [lot.id, amount])
  }
}

/** Runs a transaction until it is through: conflicts are the price of going without a lock. */
export async function untilThrough(run: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (error instanceof Conflict || isKeyConflict(error) || failureOf(error) === 'retry') continue
      throw error
    }
  }
}

/** Somebody else changed the account since it was read. */
export class Conflict extends Error {}
