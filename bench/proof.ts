import type { Sql } from '#platform/database'

/** Fails when the journal, the lots and the balances of a bench's database disagree: a fast wrong answer is none. */
export async function proveExact(sql: Sql): Promise<void> {
  const [wrong] = await sql.rows<{ wallets: string; seqs: string }>(`
    with journal as (
      select payer_id as account_id, -(bonus + prize + paid) as change, payer_seq as seq
      from ledger.transfer where payer_seq is not null
      union all
      select payee_id, bonus + prize + paid, payee_seq from ledger.transfer where payee_seq is not null
    ), booked as (
      select account_id, sum(change) as points, max(seq) as seq, count(*) as transfers from journal group by 1
    ), kept as (
      select account_id, sum(remaining) as points from ledger.lot group by 1
    )
    select
      count(*) filter (where a.bonus + a.prize + a.paid <> coalesce(b.points, 0)
                          or coalesce(b.points, 0) <> coalesce(k.points, 0))::text as wallets,
      count(*) filter (where a.seq <> coalesce(b.seq, 0) or a.seq <> coalesce(b.transfers, 0))::text as seqs
    from ledger.account a
    left join booked b on b.account_id = a.id
    left join kept k on k.account_id = a.id
    where a.kind = 'wallet'`)
  if (wrong?.wallets !== '0' || wrong.seqs !== '0') {
    throw new Error(`not exact: ${wrong?.wallets} wallets differ from the journal, ${wrong?.seqs} by their seq`)
  }
}
