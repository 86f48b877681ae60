import { type Sql, sparse, type TransactionSql } from '#platform/database'
import type { Difference } from './differences.ts'
import type { Recount, RecountedHold, RecountedLot } from './recount.ts'

/**
 * Makes lots again as the journal tells of them. Of a lot whose row is lost nobody knows when it expired: one that
 * came by a move has it from its source, any other never expires, so that nobody loses points by a repair.
 */
export function rewriteLots(sql: TransactionSql, lots: readonly RecountedLot[]): void {
  if (lots.length === 0) return
  const columns = [
    lots.map((lot) => lot.id),
    lots.map((lot) => lot.accountId),
    lots.map((lot) => lot.class),
    lots.map((lot) => lot.amount),
    lots.map((lot) => lot.remaining),
    lots.map((lot) => lot.held),
    lots.map((lot) => lot.transferId),
    sparse(lots.map((lot) => lot.sourceLotId)),
    sparse(lots.map((lot) => lot.issuedAt)),
    lots.map((lot) => lot.openedAt),
    sparse(lots.map((lot) => lot.isReissued)),
  ]
  const wanted = `unnest($1::uuid[], $2::uuid[], $3::ledger.class[], $4::bigint[], $5::bigint[], $6::bigint[],
      $7::uuid[], $8::uuid[], $9::timestamptz[], $10::timestamptz[], $11::boolean[])
      as u (id, account_id, class, amount, remaining, held, transfer_id, source_lot_id, issued_at, opened_at, reissued)
      left join ledger.lot source on source.id = u.source_lot_id`
  sql.send(
    `update ledger.lot set account_id = u.account_id, class = u.class, amount = u.amount, remaining = u.remaining,
       held = u.held, transfer_id = u.transfer_id, source_lot_id = coalesce(u.source_lot_id, lot.source_lot_id),
       issued_at = coalesce(u.issued_at, lot.issued_at), reissued = coalesce(u.reissued, source.reissued, false)
     from ${wanted} where lot.id = u.id and u.opened_at is not null`,
    columns,
  )
  sql.send(
    `insert into ledger.lot (id, account_id, class, amount, remaining, held, transfer_id, source_lot_id, issued_at,
       expires_at, payment_id, reissued)
     select u.id, u.account_id, u.class, u.amount, u.remaining, u.held, u.transfer_id, u.source_lot_id,
       coalesce(u.issued_at, source.issued_at, u.opened_at), source.expires_at, source.payment_id,
       coalesce(u.reissued, source.reissued, false)
     from ${wanted}
     on conflict (id) do nothing`,
    columns,
  )
}

/** Removes lots that the journal does not know of. One that its transfer does name belongs to another account. */
export function removeLots(sql: TransactionSql, ids: readonly string[]): void {
  if (ids.length === 0) return
  sql.send(
    `delete from ledger.lot where id = any($1::uuid[]) and not exists (
       select from ledger.transfer t where t.id = lot.transfer_id and lot.id = any(t.lot_ids))`,
    [ids],
  )
}

/**
 * Makes holds again as the journal tells of them. When a hold whose row is lost was to run out nobody knows: it gets
 * the longest time that a hold may have.
 */
export function rewriteHolds(sql: TransactionSql, holds: readonly RecountedHold[]): void {
  if (holds.length === 0) return
  const columns = [
    holds.map((hold) => hold.id),
    holds.map((hold) => hold.accountId),
    holds.map((hold) => hold.payeeId),
    holds.map((hold) => hold.status),
    holds.map((hold) => hold.amount),
    holds.map((hold) => hold.postedAmount),
    holds.map((hold) => hold.transferId),
    holds.map((hold) => hold.openedAt),
    sparse(holds.map((hold) => hold.completedAt)),
    holds.map((hold) => `{${hold.lots.map((lot) => lot.lotId).join()}}`),
    holds.map((hold) => `{${hold.lots.map((lot) => lot.amount).join()}}`),
  ]
  const wanted = `unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[],
      $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[]) as u (id, account_id, payee_id, status, amount,
      posted_amount, transfer_id, opened_at, completed_at, lot_ids, lot_amounts)`
  const status = (expiresAt: string) =>
    `case when u.status <> 'released' then u.status when u.completed_at >= ${expiresAt} then 'expired' else 'voided' end`
  const longest = `u.opened_at + interval '2592000 seconds'`
  sql.send(
    `update ledger.hold set account_id = u.account_id, payee_id = u.payee_id, status = ${status('hold.expires_at')},
       amount = u.amount, posted_amount = u.posted_amount, transfer_id = u.transfer_id, completed_at = u.completed_at,
       lot_ids = u.lot_ids::uuid[], lot_amounts = u.lot_amounts::bigint[]
     from ${wanted} where hold.id = u.id and u.opened_at is not null`,
    columns,
  )
  sql.send(
    `insert into ledger.hold (id, account_id, payee_id, status, amount, posted_amount, transfer_id, completed_at,
       lot_ids, lot_amounts, expires_at)
     select u.id, u.account_id, u.payee_id, ${status(longest)}, u.amount, u.posted_amount, u.transfer_id,
       u.completed_at, u.lot_ids::uuid[], u.lot_amounts::bigint[], ${longest}
     from ${wanted} on conflict (id) do nothing`,
    columns,
  )
}

/** Removes holds that no row of the journal has opened. */
export function removeHolds(sql: TransactionSql, ids: readonly string[]): void {
  if (ids.length === 0) return
  sql.send(
    `delete from ledger.hold where id = any($1::uuid[]) and not exists (
       select from ledger.transfer t where t.id = hold.transfer_id and t.hold_id = hold.id and t.kind = 'hold')`,
    [ids],
  )
}

/** Makes the balances of an account again; what is due next comes from its lots and holds as they are now. */
export function rewriteAccount(sql: TransactionSql, recount: Recount): void {
  const { accountId, balances, held, seq, lastAt } = recount
  sql.send(
    `update ledger.account set bonus = $2, prize = $3, paid = $4, held = $5, seq = $6, last_at = $7,
       next_due_at = least(
         (select min(expires_at) from ledger.lot where account_id = $1 and open),
         (select min(expires_at) from ledger.hold where account_id = $1 and status = 'pending')),
       closed_at = case when $2::bigint + $3::bigint + $4::bigint = 0 then closed_at end
     where id = $1`,
    [accountId, balances.bonus, balances.prize, balances.paid, held, seq, lastAt],
  )
}

/** Nobody books, sweeps or imports for the account until the transaction ends. */
export async function lockAccount(sql: Sql, accountId: string): Promise<void> {
  await sql.rows('select from ledger.account where id = $1 for update', [accountId])
}

/** A stored balance as it is at one place in the journal. */
export interface Balance {
  readonly accountId: string
  readonly bonus: bigint
  readonly prize: bigint
  readonly paid: bigint
}

/** Sets every stored balance to what it is at a place in the journal: folding goes on from there. */
export function rewriteBalances(
  sql: TransactionSql,
  { position, balances }: { position: number; balances: readonly Balance[] },
): void {
  sql.send(
    `insert into ledger.rolled_balance (account_id, bonus, prize, paid, watermark)
     select account_id, bonus, prize, paid, $1
     from unnest($2::uuid[], $3::numeric[], $4::numeric[], $5::numeric[]) as u (account_id, bonus, prize, paid)
     on conflict (account_id) do update set bonus = excluded.bonus, prize = excluded.prize, paid = excluded.paid,
       watermark = excluded.watermark`,
    [
      position,
      balances.map((balance) => balance.accountId),
      balances.map((balance) => balance.bonus),
      balances.map((balance) => balance.prize),
      balances.map((balance) => balance.paid),
    ],
  )
  sql.send('update ledger.roll_up set watermark = $1', [position])
}

/** The merchants and system accounts that there are now; a new one has nothing yet. */
export async function listLotless(sql: Sql): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(`select id from ledger.account where kind in ('merchant', 'system')`)
  return rows.map((row) => row.id)
}

/** Writes down what was mended, for ever. */
export function insertRepair(
  sql: TransactionSql,
  repair: { id: string; accountId: string | null; differences: readonly Difference[] },
): void {
  sql.send(
    `insert into ledger.repair (id, at, account_id, differences)
     values ($1, platform.programme_time(), $2, $3::jsonb)`,
    [repair.id, repair.accountId, JSON.stringify(repair.differences)],
  )
}
