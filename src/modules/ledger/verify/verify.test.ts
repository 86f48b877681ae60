import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Database, openDatabase } from '#platform/database'
import { readMigrations } from '#platform/migrations'
import { system } from '#platform/work'
import { until } from '#test/harness'
import { type LedgerHouse, openLedgerHouse, spendOf, transferOf } from '#test/ledger-house'
import { commandOf, emptyWorld, operations, remember, type World } from '#test/ledger-operations'
import type { Command } from '../commands.ts'
import { applyTransfers, type LedgerLane } from '../ledger.ts'
import { foldBalances } from '../rollup/rollup.ts'
import { systemAccounts } from '../system-accounts.ts'
import type { Difference } from './differences.ts'
import { repairLedger } from './repair.ts'
import { verifyLedger } from './verify.ts'

const isLong = process.env.PODO_TEST_LONG === '1'

async function verify(house: LedgerHouse) {
  const differences: Difference[] = []
  const report = await verifyLedger(house.database, { onDifference: (found) => differences.push(found) })
  assert.equal(report.differences, differences.length)
  return { report, differences }
}

/** Sends operations of every kind one after the other; what they make, later ones use. */
async function work(house: LedgerHouse, load: { lane: LedgerLane; world: World; count: number; seed: number }) {
  for (const operation of fc.sample(operations(), { numRuns: load.count, seed: load.seed })) {
    const now = await house.withWork(system, (unit) => unit.now())
    const command = operation(load.world, now)
    load.world.sent.push(command)
    remember(load.world, await load.lane.submit(command))
  }
}

async function openWorld(house: LedgerHouse): Promise<World> {
  return emptyWorld({
    wallets: await house.openMany('wallet', 6),
    pots: await house.openMany('pot', 2),
    merchants: await house.openMany('merchant', 3),
    payoutId: systemAccounts.payout,
  })
}

test('a healthy database has no difference, at any moment while it is busy', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  let isDone = false
  const world = await openWorld(house)
  const load = lanes.map((lane, at) => work(house, { lane, world, count: isLong ? 3_000 : 300, seed: seed + at }))
  const folding = async () => {
    while (!isDone) {
      await house.withWork(system, (unit) => foldBalances(unit))
      await house.advance(20)
    }
  }
  const verifying = async () => {
    let runs = 0
    for (; !isDone || runs < 2; runs += 1) assert.deepEqual((await verify(house)).differences, [])
    return runs
  }
  const background = Promise.all([folding(), verifying()])
  await Promise.all(load).finally(() => {
    isDone = true
  })
  await background
  const { report, differences } = await verify(house)
  assert.deepEqual(differences, [])
  assert.ok(report.transfers > 100, `only ${report.transfers} transfers`)
  assert.equal(report.accounts, 6 + 2 + 3 + 4)
})

interface Stage {
  readonly house: LedgerHouse
  /** Has lots of each class, a pending hold, one posted and one voided. */
  readonly walletId: string
  readonly merchantId: string
  readonly ids: Record<'lot' | 'adjusted' | 'moved' | 'pending' | 'posted' | 'voided' | 'spend' | 'refund', string>
}

async function openStage(house: LedgerHouse): Promise<Stage> {
  const [walletId, otherId, merchantId] = [await house.wallet(), await house.wallet(), await house.merchant()]
  const { lane } = house
  const paid = await house.charge(walletId, 1_000)
  await house.charge(walletId, 500, { class: 'bonus', expiresAt: new Date(paid.createdAt.getTime() + 86_400_000) })
  await house.charge(otherId, 300, { class: 'bonus' })
  const move = transferOf(
    await lane.submit(commandOf({ kind: 'move', walletId: otherId, toWalletId: walletId, amount: 200 })),
  )
  const hold = (amount: number) =>
    lane.submit(commandOf({ kind: 'hold', walletId, payeeId: merchantId, amount, expiresInSeconds: 600, lotId: null }))
  const adjusted = transferOf(
    await lane.submit(commandOf({ kind: 'adjust', accountId: walletId, class: 'paid', amount: 5 })),
  )
  const holds = [await hold(30), await hold(40), await hold(50)].map((made) => {
    assert.equal(made.status, 'done')
    return (made as { hold: { id: string } }).hold.id
  })
  transferOf(await lane.submit(commandOf({ kind: 'post', holdId: holds[1]!, amount: 25 })))
  transferOf(await lane.submit(commandOf({ kind: 'void', holdId: holds[2]! })))
  const spend = transferOf(await house.spend(walletId, merchantId, 800))
  const refund = transferOf(await lane.submit(commandOf({ kind: 'refund', transferId: spend.id, amount: 100 })))
  await house.foldAll()
  await house.spend(walletId, merchantId, 10)
  const movedLot = 'select id from ledger.lot where transfer_id = $1'
  const moved = (await house.ownerSql.rows<{ id: string }>(movedLot, [move.id]))[0]!.id
  const [pending, posted, voided] = holds as [string, string, string]
  const [lot, adjustedLot] = [paid.lots[0]!.lotId, adjusted.lots[0]!.lotId]
  return {
    house,
    walletId,
    merchantId,
    ids: { lot, adjusted: adjustedLot, moved, pending, posted, voided, spend: spend.id, refund: refund.id },
  }
}

type Damage = readonly [what: string, statement: string, ids: (stage: Stage) => unknown[], found: string]

const ofLot = (stage: Stage) => [stage.ids.lot]
const ofWallet = (stage: Stage) => [stage.walletId]
const ofMerchant = (stage: Stage) => [stage.merchantId]

const projections: readonly Damage[] = [
  ['what remains', 'update ledger.lot set remaining = remaining - 1 where id = $1', ofLot, 'lot remaining'],
  ['what is held of a lot', 'update ledger.lot set held = held + 1 where id = $1', ofLot, 'lot held'],
  ['the amount of a lot', 'update ledger.lot set amount = amount + 7 where id = $1', ofLot, 'lot amount'],
  ['the class of a lot', `update ledger.lot set class = 'prize' where id = $1`, ofLot, 'lot class'],
  [
    'the time of a lot',
    `update ledger.lot set issued_at = issued_at - interval '1 day' where id = $1`,
    (s) => [s.ids.adjusted],
    'lot issuedAt',
  ],
  [
    'the transfer of a lot',
    'update ledger.lot set transfer_id = $2 where id = $1',
    (s) => [s.ids.lot, s.ids.spend],
    'lot transfer',
  ],
  [
    'the account of a lot',
    'update ledger.lot set account_id = $2 where id = $1',
    (s) => [s.ids.lot, s.merchantId],
    'lot account',
  ],
  [
    'the source of a moved lot',
    'update ledger.lot set source_lot_id = null where id = $1',
    (s) => [s.ids.moved],
    'lot sourceLot',
  ],
  ['a lot that had no grace', 'update ledger.lot set reissued = true where id = $1', ofLot, 'lot reissued'],
  [
    'a moved lot whose source had no grace',
    'update ledger.lot set reissued = true where id = $1',
    (s) => [s.ids.moved],
    'lot reissued',
  ],
  ['a lot removed', 'delete from ledger.lot where id = $1', ofLot, 'lot existence'],
  ['a moved lot removed', 'delete from ledger.lot where id = $1', (s) => [s.ids.moved], 'lot existence'],
  [
    'a lot made up',
    `insert into ledger.lot (id, account_id, class, issued_at, amount, remaining, transfer_id)
     values (gen_random_uuid(), $1, 'paid', now(), 5, 5, gen_random_uuid())`,
    ofWallet,
    'lot existence',
  ],
  [
    'a lot made up for nobody',
    `insert into ledger.lot (id, account_id, class, issued_at, amount, remaining, transfer_id)
     values (gen_random_uuid(), gen_random_uuid(), 'paid', now(), 5, 5, gen_random_uuid())`,
    () => [],
    'lot existence',
  ],
  ['a bonus balance', 'update ledger.account set bonus = bonus + 1 where id = $1', ofWallet, 'account bonus'],
  ['a prize balance', 'update ledger.account set prize = prize + 1 where id = $1', ofWallet, 'account prize'],
  ['a paid balance', 'update ledger.account set paid = paid - 1 where id = $1', ofWallet, 'account paid'],
  ['what is held in all', 'update ledger.account set held = held - 1 where id = $1', ofWallet, 'account held'],
  ['the count of an account', 'update ledger.account set seq = seq + 1 where id = $1', ofWallet, 'account seq'],
  [
    'the last time of an account',
    `update ledger.account set last_at = 'epoch' where id = $1`,
    ofWallet,
    'account lastAt',
  ],
  ['what is due next', 'update ledger.account set next_due_at = null where id = $1', ofWallet, 'account nextDueAt'],
  [
    'a wallet closed with points in it',
    'update ledger.account set bonus = 0, prize = 0, paid = 0, held = 0, closed_at = now() where id = $1',
    ofWallet,
    'account closedAt',
  ],
  ['a balance of a merchant’s row', 'update ledger.account set paid = 5 where id = $1', ofMerchant, 'account paid'],
  [
    'a hold that is pending',
    `update ledger.hold set status = 'voided' where id = $1`,
    (s) => [s.ids.pending],
    'hold status',
  ],
  [
    'a hold that was posted',
    `update ledger.hold set status = 'pending' where id = $1`,
    (s) => [s.ids.posted],
    'hold status',
  ],
  [
    'a hold that was voided',
    `update ledger.hold set status = 'expired' where id = $1`,
    (s) => [s.ids.voided],
    'hold status',
  ],
  [
    'what was posted',
    'update ledger.hold set posted_amount = 26 where id = $1',
    (s) => [s.ids.posted],
    'hold postedAmount',
  ],
  [
    'the lots of a hold',
    `update ledger.hold set lot_amounts = '{29}' where id = $1`,
    (s) => [s.ids.pending],
    'hold lotAmounts',
  ],
  ['a hold removed', 'delete from ledger.hold where id = $1', (s) => [s.ids.posted], 'hold existence'],
  [
    'a hold made up',
    `insert into ledger.hold (id, account_id, payee_id, amount, expires_at, lot_ids, lot_amounts, transfer_id)
     values (gen_random_uuid(), $1, $2, 5, now() + interval '1 hour', '{}', '{}', gen_random_uuid())`,
    (s) => [s.walletId, s.merchantId],
    'hold existence',
  ],
  [
    'a merchant’s balance',
    'update ledger.rolled_balance set paid = paid + 1 where account_id = $1',
    ofMerchant,
    'balance paid',
  ],
  [
    'a merchant’s watermark',
    'update ledger.rolled_balance set watermark = 0 where account_id = $1',
    ofMerchant,
    'balance paid',
  ],
  [
    'a merchant’s balance removed',
    'delete from ledger.rolled_balance where account_id = $1',
    ofMerchant,
    'balance existence',
  ],
  [
    'a roll-up that ran ahead',
    'update ledger.roll_up set watermark = watermark + 1000000',
    () => [],
    'watermark watermark',
  ],
  ['a roll-up that fell behind', 'update ledger.roll_up set watermark = 0', () => [], 'watermark watermark'],
]

test('every kind of damage to a projection is found, named, mended and written down', async (t) => {
  const house = await openLedgerHouse(t)
  const owner = openDatabase({ url: house.ownerUrl, poolSize: 2 })
  house.onClose(() => owner.close())
  const stage = await openStage(house)
  assert.deepEqual((await verify(house)).differences, [])
  for (const [what, statement, ids, expected] of projections) {
    assert.equal(await house.ownerSql.run(statement, ids(stage)), 1, what)
    const { report, differences } = await verify(house)
    const found = differences.map((difference) => `${difference.kind} ${difference.field}`)
    assert.ok(found.includes(expected), `${what}: ${found.join()}`)
    const repaired = await repairLedger(owner, report)
    assert.deepEqual(repaired.failed, [], what)
    const { differences: left } = await verify(house)
    assert.deepEqual(left, [], `${what} was not mended`)
    await house.withWork(system, (unit) => foldBalances(unit))
    assert.deepEqual((await verify(house)).differences, [], `${what} was not mended for long`)
  }
  const written = await house.ownerSql.rows<{ count: number }>('select count(*) from ledger.repair')
  assert.ok(written[0]!.count >= projections.length)
  transferOf(await house.spend(stage.walletId, stage.merchantId, 50))
})

test('points issued anew before it was written down have had their grace too, wherever they went', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, toWalletId, merchantId] = [await house.wallet(5), await house.wallet(), await house.merchant()]
  const now = await house.withWork(system, (unit) => unit.now())
  const soon = new Date(now.getTime() + 1_000)
  await house.charge(walletId, 100, { class: 'bonus', expiresAt: soon })
  const spend = transferOf(await house.spend(walletId, merchantId, 100))
  await house.advance(2)
  transferOf(await house.lane.submit(commandOf({ kind: 'refund', transferId: spend.id, amount: null })))
  transferOf(await house.lane.submit(commandOf({ kind: 'move', walletId, toWalletId, amount: 30 })))
  transferOf(
    await house.lane.submit(commandOf({ kind: 'move', walletId: toWalletId, toWalletId: walletId, amount: 9 })),
  )
  const listReissued = () => house.ownerSql.rows('select amount, reissued from ledger.lot order by amount, reissued')
  const written = await listReissued()
  assert.deepEqual(
    written,
    [
      [5, false],
      [9, true],
      [30, true],
      [100, false],
      [100, true],
    ].map(([amount, reissued]) => ({ amount, reissued })),
  )
  await house.ownerSql.run('update ledger.lot set reissued = false')
  const before = (await verify(house)).differences.map(({ kind, field, found }) => `${kind} ${field} ${found}`)
  assert.deepEqual(before, ['lot reissued false'])
  const filling = readMigrations().find(({ name }) => name.endsWith('_lots_reissued_before.sql'))!
  await house.ownerSql.run(filling.text)
  assert.deepEqual(await listReissued(), written)
  assert.deepEqual((await verify(house)).differences, [])
})

const journal: readonly Damage[] = [
  [
    'legs that do not balance',
    'update ledger.transfer set lot_amounts[1] = lot_amounts[1] + 1 where id = $1',
    (s) => [s.ids.spend],
    'journal legs',
  ],
  [
    'a class that was changed',
    `update ledger.transfer set lot_classes[1] = 'prize' where id = $1`,
    (s) => [s.ids.spend],
    'journal legs',
  ],
  [
    'an unknown lot',
    'update ledger.transfer set lot_ids[1] = gen_random_uuid() where id = $1',
    (s) => [s.ids.spend],
    'journal lots',
  ],
  [
    'an unknown merchant',
    'update ledger.transfer set payee_id = gen_random_uuid() where id = $1',
    (s) => [s.ids.spend],
    'journal payee',
  ],
  [
    'an unknown wallet',
    'update ledger.transfer set payer_id = gen_random_uuid() where id = $1',
    (s) => [s.ids.spend],
    'journal payer',
  ],
  [
    'a balance that does not follow',
    'update ledger.transfer set payer_balance = payer_balance + 1 where id = $1',
    (s) => [s.ids.spend],
    'journal balanceAfter',
  ],
  [
    'a place left out',
    'update ledger.transfer set payer_seq = payer_seq + 100 where id = $1',
    (s) => [s.ids.spend],
    'journal seq',
  ],
  ['a row removed', 'delete from ledger.transfer where id = $1', (s) => [s.ids.spend], 'journal seq'],
  [
    'an earlier time',
    `update ledger.transfer set at = at - interval '1 day' where id = $1`,
    (s) => [s.ids.spend],
    'journal at',
  ],
  [
    'a refund of too much',
    'update ledger.transfer set amount = amount - 750, bonus = 0, prize = 0, paid = amount - 750 where id = $1',
    (s) => [s.ids.spend],
    'journal reversed',
  ],
  [
    'a refund of nothing',
    'update ledger.transfer set reverses = gen_random_uuid() where id = $1',
    (s) => [s.ids.refund],
    'journal reversed',
  ],
]

test('a journal that was tampered with is found, and no repair makes anything from it', async (t) => {
  const house = await openLedgerHouse(t)
  const stage = await openStage(house)
  const owner = openDatabase({ url: house.ownerUrl, poolSize: 1 })
  house.onClose(() => owner.close())
  const { ownerSql } = house
  await ownerSql.run('create table untouched as table ledger.transfer')
  await until('the journal is complete', async () => {
    const [row] = await ownerSql.rows<{ is: boolean }>(
      'select platform.position_horizon() > (select max(position) from ledger.transfer) as is',
    )
    return row!.is
  })
  for (const [what, statement, ids, expected] of journal) {
    assert.equal(await ownerSql.run(statement, ids(stage)), 1, what)
    const { report, differences } = await verify(house)
    const found = differences.map((difference) => `${difference.kind} ${difference.field}`)
    assert.ok(found.includes(expected), `${what}: ${found.join()}`)
    const { mended } = await repairLedger(owner, report)
    assert.equal(mended, 0)
    await ownerSql.run('delete from ledger.transfer')
    await ownerSql.run('insert into ledger.transfer table untouched')
    assert.deepEqual((await verify(house)).differences, [], what)
  }
})

test('a history too long to be read at once is recounted in pages, and mended like any other', async (t) => {
  const house = await openLedgerHouse(t)
  const owner = openDatabase({ url: house.ownerUrl, poolSize: 2 })
  house.onClose(() => owner.close())
  const [walletId, merchantId] = [await house.wallet(), await house.merchant()]
  // More lots than are read in one moment, where there is time for it.
  const charges = isLong ? 21_000 : 3_000
  for (let made = 0; made < charges; made += 3_000) {
    await Promise.all(Array.from({ length: 3_000 }, () => house.charge(walletId, 2)))
  }
  await Promise.all(Array.from({ length: 2_600 }, () => house.spend(walletId, merchantId, 1)))
  assert.deepEqual((await verify(house)).differences, [])
  await house.ownerSql.run('update ledger.lot set remaining = 0 where account_id = $1 and open', [walletId])
  const { report } = await verify(house)
  assert.equal(report.differences, charges - 1_300)
  const repaired = await repairLedger(owner, report)
  assert.deepEqual([repaired.mended, repaired.failed], [charges - 1_300, []])
  assert.deepEqual((await verify(house)).differences, [])
})

test('what was booked on a wrong projection does not keep it from being mended, and is written down once', async (t) => {
  const house = await openLedgerHouse(t)
  const owner = openDatabase({ url: house.ownerUrl, poolSize: 2 })
  house.onClose(() => owner.close())
  const { ownerSql } = house
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  await ownerSql.run('update ledger.account set bonus = bonus + 5 where id = $1', [walletId])
  const booked = [await house.spend(walletId, merchantId, 10), await house.spend(walletId, merchantId, 10)]
  const wrong = booked.map((outcome) => transferOf(outcome).balanceAfter)
  assert.deepEqual(wrong, [95, 85])
  await ownerSql.run('update ledger.rolled_balance set paid = paid + 1 where account_id = $1', [merchantId])
  await until('the journal is complete', async () => {
    const { report } = await verify(house)
    return report.transfers === 3
  })

  const { report, differences } = await verify(house)
  const remarks = differences.filter((difference) => difference.kind === 'journal')
  assert.deepEqual(
    remarks.map(({ id, field, expected, found }) => [id, field, expected, found]),
    [[transferOf(booked[0]!).id, 'balanceAfter', '90', '95']],
  )
  const { mended, writtenDown, failed } = await repairLedger(owner, report)
  assert.deepEqual([mended, writtenDown, failed], [2, 1, []])
  assert.equal(transferOf(await house.spend(walletId, merchantId, 10)).balanceAfter, 70)
  assert.deepEqual((await verify(house)).differences, [])
  // What is written down is one value of one row: another one is told again.
  await ownerSql.run('update ledger.transfer set payer_balance = 96 where id = $1', [transferOf(booked[0]!).id])
  assert.equal((await verify(house)).differences.length > 0, true)
})

test('a repair waits for who is booking, and mends by what was booked meanwhile', async (t) => {
  const house = await openLedgerHouse(t)
  const owner = openDatabase({ url: house.ownerUrl, poolSize: 2 })
  house.onClose(() => owner.close())
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  // Of another lot than the spend takes: what a spend reads wrong it would write into the journal.
  const lot = (await house.charge(walletId, 20)).lots[0]!.lotId
  await house.ownerSql.run('update ledger.lot set remaining = 19 where id = $1', [lot])
  const { report } = await verify(house)
  assert.equal(report.differences, 1)
  const spend = await openSpend(house, spendOf(walletId, merchantId, 10))
  const repairing = repairLedger(owner, report)
  await until('the repair waits for the wallet', async () => {
    const waiting = await house.ownerSql.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return waiting.length > 0
  })
  await spend.commit()
  assert.deepEqual(await repairing, { mended: 1, writtenDown: 0, failed: [] })
  assert.deepEqual((await verify(house)).differences, [])
})

/** Books a spend in another process and leaves it uncommitted. */
async function openSpend(house: LedgerHouse, spend: Command): Promise<{ commit(): Promise<void> }> {
  const begun = Promise.withResolvers<void>()
  const ending = Promise.withResolvers<void>()
  const ended = house.second({ poolSize: 1 }).withWork(system, async (work) => {
    await work.sql.run('set local idle_in_transaction_session_timeout = 0')
    const [outcome] = await applyTransfers(work, { commands: [spend], settings: house.settings, wait: true })
    assert.equal(outcome!.status, 'done')
    // Its writes are only sent; behind this answer they are done.
    await work.sql.rows('select')
    begun.resolve()
    await ending.promise
  })
  ended.catch(begun.reject)
  await begun.promise
  return {
    commit() {
      ending.resolve()
      return ended
    },
  }
}

test('a verification holds no snapshot from one group of accounts to the next, nor while a long history is read', async (t) => {
  const house = await openLedgerHouse(t)
  await house.openMany('wallet', 2_500)
  const [walletId, merchantId] = [await house.wallet(5_100), await house.merchant()]
  await Promise.all(Array.from({ length: 5_100 }, () => house.spend(walletId, merchantId, 1)))
  const snapshots: { held: number; rows: number }[] = []
  const watched: Database = {
    ...house.database,
    async transaction(run) {
      const [process] = await house.ownerSql.rows<{ held: number }>(
        `select count(*) as held from pg_stat_activity
         where datname = current_database() and usename = 'podo_service' and backend_xmin is not null`,
      )
      const snapshot = { held: process!.held, rows: 0 }
      snapshots.push(snapshot)
      return house.database.transaction((sql) =>
        run({
          ...sql,
          async rows<Row>(text: string, values?: readonly unknown[]) {
            const rows = await sql.rows<Row>(text, values)
            snapshot.rows += rows.length
            return rows
          },
        }),
      )
    },
  }
  assert.equal((await verifyLedger(watched)).differences, 0)
  assert.ok(snapshots.length >= 4, `only ${snapshots.length} snapshots`)
  assert.deepEqual(new Set(snapshots.map(({ held }) => held)), new Set([0]))
  const rowsMax = Math.max(...snapshots.map(({ rows }) => rows))
  assert.ok(rowsMax <= 1_100, `${rowsMax} rows in one snapshot`)
})
