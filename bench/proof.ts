import type { Sql } from '#platform/database'

/**
 * Fails when the journal, the lots and the balances of a bench's database disagree: a fast wrong answer is none. Added
 * up without a join, since a connection of the service joins by nested loops.
 */
export async function proveExact(sql: Sql): Promise<void> {
  const [wrong] = await sql.rows<{ wallets: string; seqs: string }>(`
    with told as (
      select id, bonus + prize + paid as balance, seq, 0 as journal, 0 as lots, 0 as last, 0 as transfers
      from ledger.account where kind = 'wallet'
      union all
      select payer_id, 0, 0, -(bonus + prize + paid), 0, payer_seq, 1 from ledger.transfer where payer_seq is not null
      union all
      select payee_id, 0, 0, bonus + prize + paid, 0, payee_seq, 1 from ledger.transfer where payee_seq is not null
      union all
      select account_id, 0, 0, 0, remaining, 0, 0 from ledger.lot
    ), wallet as (
      select sum(balance) as balance, sum(journal) as journal, sum(lots) as lots,
             sum(seq) as seq, max(last) as last, sum(transfers) as transfers
      from told group by id
    )
    select count(*) filter (where balance <> journal or journal <> lots)::text as wallets,
           count(*) filter (where seq <> last or seq <> transfers)::text as seqs
    from wallet`)
  if (wrong?.wallets !== '0' || wrong.seqs !== '0') {
    throw new Error(`not exact: ${wrong?.wallets} wallets differ from the journal, ${wrong?.seqs} by their seq`)
  }
}
