import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { LeaseLost, takeLease } from '#platform/leases'
import { system } from '#platform/work'
import { until } from '#test/harness'
import { type LedgerHouse, openLedgerHouse, spendOf, transferOf, verdictOf } from '#test/ledger-house'
import { commandOf } from '#test/ledger-operations'
import { findRolledBalance, type Reads } from '../statements/statements.ts'
import { systemAccounts } from '../system-accounts.ts'
import { shareSnapshot } from '../verify/store.ts'
import { findRollUpLag, foldBalances, keepBalancesFolded } from './rollup.ts'
import { foldWindow } from './store.ts'

const fold = (house: LedgerHouse) => house.withWork(system, (work) => foldBalances(work))

async function balanceOf(house: LedgerHouse, accountId: string): Promise<bigint> {
  const balance = await findRolledBalance(house.database, accountId)
  return balance!.bonus + balance!.prize + balance!.paid
}

/** What the account's row holds, without the journal past its watermark. */
async function foldedOf(house: LedgerHouse, accountId: string): Promise<number> {
  const rows = await house.database.sql.rows<{ folded: number }>(
    'select (bonus + prize + paid)::bigint as folded from ledger.rolled_balance where account_id = $1',
    [accountId],
  )
  return rows[0]!.folded
}

test('folding moves everything committed into the stored balances, and what is read stays the same', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(1_000), await house.merchant()]
  const spent = transferOf(await house.spend(walletId, merchantId, 300))
  await house.lane.submit(commandOf({ kind: 'refund', transferId: spent.id, amount: 50 }))
  assert.deepEqual([await foldedOf(house, merchantId), await balanceOf(house, merchantId)], [0, 250n])
  await house.foldAll()
  assert.deepEqual([await foldedOf(house, merchantId), await balanceOf(house, merchantId)], [250, 250n])
  assert.deepEqual(
    [await foldedOf(house, systemAccounts.issuance), await balanceOf(house, systemAccounts.issuance)],
    [-1_000, -1_000n],
  )
})

test('folding takes a transaction of more rows than it takes at once as a whole', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(1_000), await house.merchant()]
  await Promise.all(Array.from({ length: 50 }, () => house.spend(walletId, merchantId, 1)))
  await until('everything was folded', async () => {
    await house.withWork(system, (work) => foldWindow(work.sql, 5))
    return (await findRollUpLag(house.database)) === 0
  })
  assert.equal(await foldedOf(house, merchantId), 50)
})

test('folding writes nothing when nothing has happened', async (t) => {
  const house = await openLedgerHouse(t)
  await house.spend(await house.wallet(100), await house.merchant(), 10)
  await house.foldAll()
  const rows = () => house.ownerSql.rows('select *, xmin::text from ledger.rolled_balance order by account_id')
  const before = await rows()
  assert.equal(await fold(house), false)
  assert.deepEqual(await rows(), before)
})

test('folding by two at once counts nothing twice', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100_000), await house.merchant()]
  for (let round = 1; round <= 20; round += 1) {
    await Promise.all(Array.from({ length: 10 }, () => house.spend(walletId, merchantId, 1)))
    await Promise.all(Array.from({ length: 4 }, () => house.foldAll()))
    assert.equal(await foldedOf(house, merchantId), round * 10)
  }
})

test('folding never lets a reader see a wrong balance, while writers commit late and folds run', async (t) => {
  const house = await openLedgerHouse(t)
  const [merchantId] = [await house.merchant()]
  const wallets = await Promise.all(Array.from({ length: 8 }, () => house.wallet(1_000)))
  const second = house.secondLane()
  const total = 8 * 150
  let isDone = false
  let folds = 0
  const writers = wallets.map(async (walletId, at) => {
    const lane = at % 2 ? house.lane : second.lane
    for (let spent = 0; spent < 150; spent += 1) transferOf(await lane.submit(spendOf(walletId, merchantId, 1)))
  })
  // Takes its place in the order at the beginning and commits much later, over and over.
  const laggard = async () => {
    while (!isDone) {
      await second.withWork(system, async (work) => {
        await work.sql.rows('select pg_current_xact_id()')
        await work.sql.rows('select pg_sleep(0.03)')
      })
    }
  }
  const folder = async () => {
    while (!isDone) {
      await fold(house)
      folds += 1
    }
  }
  // Both sides in one snapshot: what has left the wallets is what the merchant has.
  const reader = async () => {
    while (!isDone) {
      await house.database.transaction(async (sql) => {
        await shareSnapshot(sql)
        const earned = await findRolledBalance({ sql }, merchantId)
        const [row] = await sql.rows<{ spent: number }>(
          'select sum(1000 - paid)::bigint as spent from ledger.account where id = any($1::uuid[])',
          [wallets],
        )
        assert.equal(earned!.paid, BigInt(row!.spent))
      })
    }
  }
  const background = [laggard(), folder(), folder(), reader()]
  await Promise.all(writers).finally(() => {
    isDone = true
  })
  await Promise.all(background)
  assert.ok(folds > 10, `only ${folds} folds ran`)
  assert.equal(await balanceOf(house, merchantId), BigInt(total))
  await house.foldAll()
  assert.equal(await foldedOf(house, merchantId), total)
})

test('a balance is read in one statement: a fold after any statement of the read changes nothing of it', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(1_000), await house.merchant()]
  await house.spend(walletId, merchantId, 300)
  await house.foldAll()
  await house.spend(walletId, merchantId, 40)
  const { sql } = house.database
  const folding: Reads = {
    sql: {
      ...sql,
      async rows<Row>(text: string, values?: readonly unknown[]) {
        const rows = await sql.rows<Row>(text, values)
        await house.foldAll()
        return rows
      },
    },
  }
  assert.deepEqual(await findRolledBalance(folding, merchantId), { bonus: 0n, prize: 0n, paid: 340n })
  assert.equal(await foldedOf(house, merchantId), 340)
})

test('folding waits for a transaction that began before and commits after, and then counts it', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const early = new pg.Client({ connectionString: house.serviceUrl })
  await early.connect()
  house.onClose(() => early.end())
  await early.query('begin')
  await early.query(
    `insert into ledger.transfer (id, kind, amount, payer_id, payee_id, bonus, prize, paid, lot_ids, lot_classes,
         lot_amounts, actor_type, at)
       values (gen_random_uuid(), 'adjust', 7, $1, $2, 0, 0, 7, '{}', '{}', '{}', 'system', clock_timestamp())`,
    [systemAccounts.adjustments, merchantId],
  )
  await house.spend(walletId, merchantId, 10)
  await fold(house)
  assert.deepEqual([await foldedOf(house, merchantId), await balanceOf(house, merchantId)], [0, 10n])
  await early.query('commit')
  assert.equal(await balanceOf(house, merchantId), 17n)
  await house.foldAll()
  assert.deepEqual([await foldedOf(house, merchantId), await balanceOf(house, merchantId)], [17, 17n])
})

test('folding by a holder that was stopped past its lease touches no row', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const take = (holder: string) => takeLease(house.database, { name: 'ledger roll-up', holder, ttlMs: 0 })
  const stale = (await take('stopped'))!
  const lease = (await take('next'))!
  await house.spend(walletId, merchantId, 10)
  await assert.rejects(
    house.withWork(system, (work) => foldBalances(work, stale)),
    LeaseLost,
  )
  assert.equal(await foldedOf(house, merchantId), 0)
  await house.foldAll(lease)
  assert.equal(await foldedOf(house, merchantId), 10)
})

test('folding by itself lags a second at most', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(10_000), await house.merchant()]
  const options = {
    reads: house.database,
    withWork: house.withWork,
    onError: (error: unknown) => assert.fail(`${error}`),
  }
  const keeper = keepBalancesFolded(options)
  house.onClose(() => keeper.close())
  for (let spent = 1; spent <= 3; spent += 1) {
    await house.spend(walletId, merchantId, 1)
    await until('it is folded', async () => (await foldedOf(house, merchantId)) === spent, { timeoutMs: 1_000 })
  }
  assert.equal(await findRollUpLag(house.database), 0)
})

test('a merchant under many payouts at once never falls below zero: of payouts of all it has exactly one goes through', async (t) => {
  const house = await openLedgerHouse(t)
  const second = house.secondLane()
  const walletId = await house.wallet(10_000)
  for (let round = 0; round < 10; round += 1) {
    const merchantId = await house.merchant()
    await house.spend(walletId, merchantId, 100)
    const payOut = (lane: LedgerHouse['lane']) =>
      lane.submit(commandOf({ kind: 'payout', from: { merchantId }, amount: 100 }))
    const outcomes = await Promise.all([
      payOut(house.lane),
      payOut(second.lane),
      fold(house),
      payOut(house.lane),
      payOut(second.lane),
    ])
    const verdicts = outcomes.filter((outcome) => typeof outcome === 'object').map(verdictOf)
    assert.deepEqual(verdicts.sort(), ['done', 'insufficient-points', 'insufficient-points', 'insufficient-points'])
    assert.equal(await balanceOf(house, merchantId), 0n)
  }
})
