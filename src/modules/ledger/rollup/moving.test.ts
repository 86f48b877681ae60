import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { isForeignCluster } from '#platform/cluster'
import { migrate } from '#platform/migrations'
import { freshServer } from '#test/harness'
import { type LedgerHouse, openLedgerHouse } from '#test/ledger-house'
import { findRolledBalance } from '../statements/statements.ts'
import { verifyLedger } from '../verify/verify.ts'

let adminUrl: string
const closing: (() => Promise<void> | void)[] = []

// A test's own hooks run in the order of their making: its house would find the server gone.
before(async () => {
  adminUrl = (await freshServer({ after: (run) => void closing.push(run) }, { durable: false })).adminUrl
})
after(async () => {
  for (const close of closing) await close()
})

const tables = [
  'platform.clock',
  'platform.cluster',
  'platform.idempotency_key',
  'ledger.account',
  'ledger.lot',
  'ledger.hold',
  'ledger.transfer',
  'ledger.rolled_balance',
  'ledger.roll_up',
]

/** What a dump and its restore do: every row as it is, generated columns left out. */
async function restore(from: LedgerHouse, to: LedgerHouse): Promise<void> {
  const [source, target] = [from, to].map(({ ownerUrl }) => new pg.Client({ connectionString: ownerUrl }))
  await Promise.all([source!.connect(), target!.connect()])
  try {
    await target!.query(`truncate ${tables.join()}`)
    for (const table of tables) {
      const { rows: columns } = await source!.query<{ name: string }>(
        `select attname as name from pg_attribute
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
        [table],
      )
      const names = columns.map(({ name }) => name).join()
      const { rows } = await source!.query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t`)
      await target!.query(
        `insert into ${table} (${names}) select ${names} from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
        [`[${rows.map(({ row }) => row).join()}]`],
      )
    }
  } finally {
    await Promise.all([source!.end(), target!.end()])
  }
}

async function nextPosition(house: LedgerHouse): Promise<number> {
  const [row] = await house.ownerSql.rows<{ position: number }>('select platform.current_position() as position')
  return row!.position
}

test('a ledger restored into a fresh cluster goes on behind what it has: nothing is skipped or counted twice', async (t) => {
  const old = await openLedgerHouse(t)
  // The cluster of the test run is older than one that is just made; this makes sure of it.
  await old.ownerSql.run(`do $$ begin for i in 1..2000 loop perform pg_current_xact_id(); commit; end loop; end $$`)
  const [walletId, merchantId] = [await old.wallet(1_000), await old.merchant()]
  await old.spend(walletId, merchantId, 10)
  await old.foldAll()
  await old.spend(walletId, merchantId, 20)

  const fresh = await openLedgerHouse(t, { adminUrl })
  await restore(old, fresh)
  const [last] = await fresh.ownerSql.rows<{ position: number }>(
    'select max(position) as position from ledger.transfer',
  )
  assert.ok((await nextPosition(fresh)) < last!.position, 'the fresh cluster should begin to count anew')
  assert.equal(await isForeignCluster(fresh.database), true)
  await migrate({ url: fresh.ownerUrl })
  assert.equal(await isForeignCluster(fresh.database), false)
  assert.ok((await nextPosition(fresh)) > last!.position)

  const balance = async () => (await findRolledBalance(fresh.database, merchantId))!.paid
  assert.equal(await balance(), 30n)
  await fresh.spend(walletId, merchantId, 40)
  assert.equal(await balance(), 70n)
  await fresh.foldAll()
  const [folded] = await fresh.ownerSql.rows(
    'select paid::bigint as paid from ledger.rolled_balance where account_id = $1',
    [merchantId],
  )
  assert.deepEqual([folded, await balance()], [{ paid: 70 }, 70n])
  assert.equal((await verifyLedger(fresh.database)).differences, 0)
  await migrate({ url: fresh.ownerUrl })
  await fresh.spend(walletId, merchantId, 5)
  assert.equal(await balance(), 75n)
})
