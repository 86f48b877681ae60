import type { Sql } from '#platform/database'
import type { Difference, FoundAccount, FoundHold, FoundLot } from './differences.ts'
import type { EntryRow } from './recount.ts'

/** All statements of the transaction see what was committed when the first one ran. Comes before any other. */
export async function shareSnapshot(sql: Sql): Promise<void> {
  await sql.run('set transaction isolation level repeatable read, read only')
}

/** Accounts in the order of their ids, with how many rows of the journal each has. */
export function listAccountSizes(sql: Sql, afterId: string): Promise<{ id: string; seq: number }[]> {
  return sql.rows('select id, seq from ledger.account where id > $1 order by id limit 1000', [afterId])
}

export async function countAccounts(sql: Sql): Promise<number> {
  return (await sql.rows<{ count: number }>('select count(*) from ledger.account'))[0]!.count
}

/** An inclusive range of account ids. */
export interface Range {
  readonly from: string
  readonly to: string
}

export function findAccountsIn(sql: Sql, { from, to }: Range): Promise<FoundAccount[]> {
  return sql.rows<FoundAccount>(
    `select id, bonus::text, prize::text, paid::text, held::text, seq::text, last_at as "lastAt",
       closed_at as "closedAt",
       case when next_due_at is null or next_due_at > greatest(earliest, platform.programme_time()) then earliest end
         as overlooked
     from ledger.account a cross join lateral (select least(
       (select min(expires_at) from ledger.lot where account_id = a.id and open),
       (select min(expires_at) from ledger.hold where account_id = a.id and status = 'pending')
     ) as earliest) due
     where id between $1 and $2 order by id`,
    [from, to],
  )
}

const entrySide = (side: 'payer' | 'payee') => `
  select ${side}_id as "accountId", ${side === 'payer'} as "isPayer", ${side}_seq as seq,
    ${side}_balance::text as balance, id, kind, amount, payee_id as "payeeId", lot_ids as "lotIds",
    lot_classes::text[] as "lotClasses", lot_amounts::text[] as "lotAmounts", lot_holds::text[] as "lotHolds",
    hold_id as "holdId", at
  from ledger.transfer
  where ${side}_id between $1 and $2 and ${side}_seq > $3 and ${side}_seq <= $4`

/** Rows of the journal of these accounts past a place in their counts, up to another, each account's in order. */
export function listEntryRows(
  sql: Sql,
  { from, to, afterSeq, untilSeq }: Range & { afterSeq: number; untilSeq: number },
): Promise<EntryRow[]> {
  return sql.rows<EntryRow>(`${entrySide('payer')} union all ${entrySide('payee')} order by 1, 3`, [
    from,
    to,
    afterSeq,
    untilSeq,
  ])
}

const lotColumns = `id, account_id as "accountId", class::text, issued_at as "issuedAt", amount::text, remaining::text,
  held::text, transfer_id as "transferId", source_lot_id as "sourceLotId", reissued as "isReissued",
  (select source.reissued from ledger.lot source where source.id = lot.source_lot_id) as "isSourceReissued"`

export interface LotsQuery extends Range {
  /** The last lot seen, or null for the first ones. */
  readonly after: { readonly accountId: string; readonly id: string } | null
  readonly limit: number
}

export function listLotsIn(sql: Sql, { from, to, after, limit }: LotsQuery): Promise<FoundLot[]> {
  const firstId = '00000000-0000-0000-0000-000000000000'
  return sql.rows<FoundLot>(
    `select ${lotColumns} from ledger.lot where (account_id, id) > ($1::uuid, $2::uuid) and account_id <= $3
     order by account_id, id limit $4`,
    [after?.accountId ?? from, after?.id ?? firstId, to, limit],
  )
}

export function findLotsById(sql: Sql, ids: readonly string[]): Promise<FoundLot[]> {
  return sql.rows<FoundLot>(`select ${lotColumns} from ledger.lot where id = any($1::uuid[])`, [ids])
}

export function findHoldsById(sql: Sql, ids: readonly string[]): Promise<FoundHold[]> {
  return sql.rows<FoundHold>(
    `select id, account_id as "accountId", payee_id as "payeeId", status, amount::text,
       posted_amount::text as "postedAmount", expires_at as "expiresAt", completed_at as "completedAt",
       transfer_id as "transferId", lot_ids as "lotIds", lot_amounts::text[] as "lotAmounts"
     from ledger.hold where id = any($1::uuid[])`,
    [ids],
  )
}

/** Of the next holds by id those that no row of the journal has opened, and the last id that was looked at. */
export async function listUnknownHolds(
  sql: Sql,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<{ lastId: string | null; unknown: { id: string; accountId: string }[] }> {
  const rows = await sql.rows<{ id: string; accountId: string; isKnown: boolean }>(
    `select h.id, h.account_id as "accountId",
       exists (select from ledger.transfer t where t.id = h.transfer_id and t.hold_id = h.id and t.kind = 'hold')
         as "isKnown"
     from ledger.hold h where h.id > $1 order by h.id limit $2`,
    [afterId, limit],
  )
  return { lastId: rows.length < limit ? null : rows.at(-1)!.id, unknown: rows.filter((row) => !row.isKnown) }
}

/** Of the next reversed transfers by id those whose refunds or cancellations come to more than they were. */
export async function listOverReversed(
  sql: Sql,
  { afterId, limit }: { afterId: string; limit: number },
): Promise<{ lastId: string | null; wrong: Difference[] }> {
  const rows = await sql.rows<{ id: string; reversed: string; amount: string | null; accountId: string }>(
    `select r.reverses as id, r.reversed::text, o.amount::text, r.account_id as "accountId"
     from (
       select reverses, sum(amount) as reversed, (array_agg(case kind when 'refund' then payee_id else payer_id end))[1]
         as account_id, bool_and(kind = 'refund') as is_refund, bool_and(kind = 'cancel') as is_cancel
       from ledger.transfer where reverses > $1 group by reverses order by reverses limit $2
     ) r
     left join ledger.transfer o on o.id = r.reverses
       and (is_refund and o.kind in ('spend', 'post') and o.payer_id = r.account_id
         or is_cancel and o.kind in ('charge', 'grant') and o.payee_id = r.account_id)
     order by r.reverses`,
    [afterId, limit],
  )
  const wrong = rows.filter((row) => row.amount === null || BigInt(row.reversed) > BigInt(row.amount))
  return {
    lastId: rows.length < limit ? null : rows.at(-1)!.id,
    wrong: wrong.map(({ id, accountId, amount, reversed }) => {
      const expected = amount === null ? 'a transfer that can be reversed' : `at most ${amount}`
      return { kind: 'journal', accountId, id, field: 'reversed', expected, found: reversed }
    }),
  }
}

/** What tells one remark from another. */
export type Remark = Pick<Difference, 'accountId' | 'id' | 'field' | 'found'>

/** Remarks of the journal that repairs have written down. */
export function listRemarks(sql: Sql): Promise<Remark[]> {
  return sql.rows<Remark>(
    `select d."accountId", d.id, d.field, d.found from ledger.repair r
     cross join jsonb_to_recordset(r.differences) as d (kind text, "accountId" text, id text, field text, found text)
     where d.kind = 'journal'`,
  )
}
