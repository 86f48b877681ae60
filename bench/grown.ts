import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { foldBalances } from '#modules/ledger'
import { openDatabase, type Sql } from '#platform/database'
import { readMigrations } from '#platform/migrations'
import { system, workOver } from '#platform/work'
import { merchantId, plantWallets } from './seed.ts'
import type { Ground, Stage } from './stage.ts'

/** A database with years of transfers in it. */
export interface GrownGround extends Ground {
  readonly name: string
  readonly wallets: number
  /** On the disk. */
  readonly bytes: number
  close(): Promise<void>
}

const lotsPerWallet = 2
const pointsPerLot = 1_000_000_000
const spendAmount = 5

/**
 * Opens the database with `transfersPresent` transfers and a tenth as many wallets. Made by SQL when it is missing, and
 * kept from run to run: it takes minutes and does not count. A change of the migrations or of this file makes it anew.
 */
export async function openGrown(stage: Stage): Promise<GrownGround> {
  const transfers = stage.transfersPresent
  const name = `bench_grown_${transfers}`
  const recipe = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
  const made = [...readMigrations().map((migration) => migration.checksum), recipe].join()
  const [found] = await stage.admin.sql.rows<{ made: string | null }>(
    `select shobj_description(oid, 'pg_database') as made from pg_database where datname = $1`,
    [name],
  )
  const ground = {
    ...stage.openGround(name),
    name,
    wallets: transfers / 10,
    close: () => ground.owner.close(),
  }
  if (found?.made !== made) {
    stage.say(`making ${transfers.toLocaleString('en')} transfers; this takes minutes, and is kept`)
    await stage.admin.sql.run(`drop database if exists ${name} with (force)`)
    await stage.admin.sql.run(`create database ${name} template ${stage.server.template} owner podo_owner`)
    await plantGrown(stage, ground, transfers)
    await stage.admin.sql.run(`comment on database ${name} is '${made}'`)
  }
  const [size] = await stage.admin.sql.rows<{ bytes: number; shown: string }>(
    `select bytes, pg_size_pretty(bytes) as shown from pg_database_size($1) as d (bytes)`,
    [name],
  )
  stage.say(`${name} is there, ${size!.shown} on the disk`)
  return { ...ground, bytes: size!.bytes }
}

/**
 * One wallet in so many, so that `count` lie as far apart as they can; prime to ten, since every hundredth is a
 * company's: otherwise none but companies' would be met.
 */
export function everyWallet(grown: GrownGround, count: number): number {
  let every = Math.floor(grown.wallets / count)
  while (every % 2 === 0 || every % 5 === 0) every -= 1
  return every
}

async function plantGrown(stage: Stage, ground: Ground & { wallets: number }, transfers: number): Promise<void> {
  const { sql } = ground.owner
  const { wallets } = ground
  const indexes = await dropIndexes(sql)
  await sql.run('alter table ledger.transfer disable trigger transfer_balances')
  await plantWallets(sql, { wallets, lotsPerWallet, pointsPerLot })
  const spendsEach = transfers / wallets - lotsPerWallet
  for (let round = 1; round <= spendsEach; round += 1) {
    await insertSpends(sql, { wallets, round })
    stage.say(`${((round + lotsPerWallet) * wallets).toLocaleString('en')} transfers`)
  }
  await sql.run('update ledger.account set bonus = bonus - $1, seq = seq + $2 where kind = $3', [
    spendAmount * spendsEach,
    spendsEach,
    'wallet',
  ])
  await sql.run(`update ledger.lot set remaining = remaining - $1 where class = 'bonus'`, [spendAmount * spendsEach])
  await insertKeys(sql, transfers)
  await sql.run('alter table ledger.transfer enable trigger transfer_balances')
  for (const statement of indexes) await sql.run(statement)
  await setFolded(sql)
  await sql.run('vacuum (freeze, analyze)')
  await stage.admin.sql.run('checkpoint')
}

/** Loading into tables without their indexes, and making these at the end, takes a fraction of the time. */
async function dropIndexes(sql: Sql): Promise<string[]> {
  const indexes = await sql.rows<{ name: string; definition: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
     from pg_index i join pg_class c on c.oid = i.indrelid
     where c.relnamespace = 'ledger'::regnamespace
       and not exists (select from pg_constraint where conindid = i.indexrelid)`,
  )
  for (const { name } of indexes) await sql.run(`drop index ${name}`)
  await sql.run('alter table platform.idempotency_key drop constraint idempotency_key_pk')
  return [
    ...indexes.map(({ definition }) => definition),
    // As full as keys in random order leave it: filled to the brim, it would be smaller than in life and split at once.
    'alter table platform.idempotency_key add constraint idempotency_key_pk primary key (digest) with (fillfactor = 70)',
  ]
}

/** A spend of every wallet; round after round, so that the transfers of a wallet lie as far apart as in life. */
async function insertSpends(sql: Sql, { wallets, round }: { wallets: number; round: number }): Promise<void> {
  await sql.run(
    `insert into ledger.transfer (id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, bonus, prize, paid,
       lot_ids, lot_classes, lot_amounts, actor_type, at)
     select ('00000000-0000-7000-8e00-' || lpad(to_hex($2::bigint * $1 + w), 12, '0'))::uuid, 'spend', $3::bigint,
       ('00000000-0000-7000-9000-' || lpad(to_hex(w), 12, '0'))::uuid, $4::uuid,
       $5::bigint + $2, $5 * $6::bigint - $2 * $3, $3, 0, 0,
       array[('00000000-0000-7000-8c00-' || lpad(to_hex(w * $5), 12, '0'))::uuid],
       array['bonus']::ledger.class[], array[-$3::bigint], 'operator',
       timestamptz '2025-02-01' + $2 * interval '1 day' + w * interval '50 ms'
     from generate_series(0::bigint, $1::bigint - 1) w`,
    [wallets, round, spendAmount, merchantId, lotsPerWallet, pointsPerLot],
  )
}

/** A key for every transfer, as random as digests are, with an answer as long as that of a spend. */
async function insertKeys(sql: Sql, transfers: number): Promise<void> {
  await sql.run(
    `insert into platform.idempotency_key (digest, request_hash, status, answer)
     select md5(n::text)::uuid, md5('request ' || n)::uuid, 200, repeat('x', 160) from generate_series(1, $1::int) n`,
    [transfers],
  )
}

/** What folding would come to, at once: its windows are made for transactions of a thousand rows, not of a million. */
async function setFolded(sql: Sql): Promise<void> {
  await sql.run(
    `update ledger.rolled_balance b
     set bonus = s.bonus, prize = s.prize, paid = s.paid, watermark = platform.position_horizon()
     from (
       select account_id, sum(bonus) as bonus, sum(prize) as prize, sum(paid) as paid from (
         select payee_id as account_id, bonus, prize, paid from ledger.transfer where payee_seq is null
         union all
         select payer_id, -bonus, -prize, -paid from ledger.transfer where payer_seq is null
       ) crossing
       group by 1
     ) s
     where b.account_id = s.account_id`,
  )
  await sql.run('update ledger.roll_up set watermark = platform.position_horizon()')
}

/** Folds all that stands in the journal into the balances of merchants and the system. */
export async function foldEverything(ground: Ground): Promise<void> {
  const database = openDatabase({ url: ground.url, poolSize: 1, statementTimeoutMs: 600_000 })
  const withWork = workOver(database)
  while (await withWork(system, (work) => foldBalances(work))) {}
  await database.close()
}
