import type { Sql } from '#platform/database'
import type { Ground } from './stage.ts'

/** What stands in a database before anything is measured. */
export interface Seed {
  readonly name: string
  plant(ground: Ground): Promise<void>
}

/** Wallets filled by charges, and one merchant. */
export interface LedgerSeed extends Seed {
  readonly wallets: number
}

export interface Planting {
  readonly wallets: number
  readonly lotsPerWallet: number
  readonly pointsPerLot: number
}

export const hotSeed = ledgerSeed('hot', { wallets: 1, lotsPerWallet: 2, pointsPerLot: 1_000_000_000 })
export const spreadSeed = ledgerSeed('spread', { wallets: 10_000, lotsPerWallet: 2, pointsPerLot: 1_000_000_000 })
// A lot of the many lasts for some two thousand spends, so that a run also uses lots up.
export const manyLotsSeed = ledgerSeed('many_lots', { wallets: 1, lotsPerWallet: 10_000, pointsPerLot: 10_000 })

export function ledgerSeed(name: string, planting: Planting): LedgerSeed {
  return { name, wallets: planting.wallets, plant: (ground) => plantWallets(ground.owner.sql, planting) }
}

export const merchantId = '00000000-0000-7000-a000-000000000000'

/** The id of the wallet with this number, from 0. */
export function walletId(number: number): string {
  return `00000000-0000-7000-9000-${number.toString(16).padStart(12, '0')}`
}

/** Every lot has the charge that it came from, so the journal is whole and can be checked against the balances. */
export async function plantWallets(sql: Sql, seed: Planting): Promise<void> {
  await sql.run(
    `insert into ledger.account (id, kind, owner_type, owner_id) values ($1::uuid, 'merchant', 'company', $1::uuid)`,
    [merchantId],
  )
  await sql.run('insert into ledger.rolled_balance (account_id) values ($1)', [merchantId])
  await sql.run(
    `insert into ledger.account (id, kind, owner_type, owner_id, bonus, paid, seq, last_at)
     select ('00000000-0000-7000-9000-' || lpad(to_hex(w), 12, '0'))::uuid, 'wallet',
            case when w % 100 = 0 then 'company' else 'member' end,
            ('00000000-0000-7000-b000-' || lpad(to_hex(w), 12, '0'))::uuid,
            (($2::bigint + 1) / 2) * $3::bigint, ($2::bigint / 2) * $3::bigint, $2, '2026-01-01'
     from generate_series(0::bigint, $1::bigint - 1) w`,
    [seed.wallets, seed.lotsPerWallet, seed.pointsPerLot],
  )
  await sql.run(
    `with planted as (
       select w, l, case when l % 2 = 0 then 'bonus' else 'paid' end::ledger.class as class,
              timestamptz '2025-01-01' + l * interval '1 minute' as at,
              ('00000000-0000-7000-9000-' || lpad(to_hex(w), 12, '0'))::uuid as wallet_id,
              ('00000000-0000-7000-8c00-' || lpad(to_hex(w * $2::bigint + l), 12, '0'))::uuid as lot_id,
              ('00000000-0000-7000-8d00-' || lpad(to_hex(w * $2::bigint + l), 12, '0'))::uuid as transfer_id
       from generate_series(0::bigint, $1::bigint - 1) w cross join generate_series(0::bigint, $2::bigint - 1) l
     ), lots as (
       insert into ledger.lot (id, account_id, class, issued_at, amount, remaining, transfer_id)
       select lot_id, wallet_id, class, at, $3, $3, transfer_id from planted
     )
     insert into ledger.transfer (id, kind, amount, payer_id, payee_id, payee_seq, payee_balance, bonus, prize, paid,
                                  lot_ids, lot_classes, lot_amounts, actor_type, at)
     select transfer_id, 'charge', $3, '00000000-0000-7000-8000-000000000001', wallet_id, l + 1, (l + 1) * $3::bigint,
            case when class = 'bonus' then $3::bigint else 0 end, 0,
            case when class = 'paid' then $3::bigint else 0 end,
            array[lot_id], array[class], array[$3::bigint], 'operator', at
     from planted`,
    [seed.wallets, seed.lotsPerWallet, seed.pointsPerLot],
  )
  for (const table of ['account', 'lot', 'transfer', 'rolled_balance']) {
    await sql.run(`vacuum (freeze, analyze) ledger.${table}`)
  }
}
