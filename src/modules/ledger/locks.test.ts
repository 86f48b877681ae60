import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '#platform/database'
import { system, type WithWork, type Work, workOver } from '#platform/work'
import { until } from '#test/harness'
import { type LedgerHouse, openLedgerHouse, spendOf, transferOf, verdictOf } from '#test/ledger-house'
import { commandOf } from '#test/ledger-operations'
import type { Command } from './commands.ts'
import { applyTransfers, openLedgerLane } from './ledger.ts'
import { lockAccounts } from './store.ts'
import { keepDueBooked } from './sweeping.ts'

const isLong = process.env.PODO_TEST_LONG === '1'

test('a wallet that somebody else has locked delays only its own commands', async (t) => {
  const house = await openLedgerHouse(t)
  const [locked, free, merchantId] = [await house.wallet(100), await house.wallet(100), await house.merchant()]
  const lock = await holdLock(house, locked)
  const answered: string[] = []
  const note = (name: string) => () => void answered.push(name)
  const waiting = [
    house.spend(locked, merchantId, 1).then(note('locked')),
    house.lane.submit(commandOf({ kind: 'move', walletId: free, toWalletId: locked, amount: 1 })).then(note('locked')),
  ]
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(Array.from({ length: 4 }, () => house.spend(free, merchantId, 1).then(note('free'))))
  }
  assert.deepEqual(answered, Array<string>(20).fill('free'))
  await lock.release()
  await Promise.all(waiting)
  assert.equal(answered.length, 22)
  await house.assertAgreement()
})

test('a move that waits for one wallet does not hold the other meanwhile', async (t) => {
  const house = await openLedgerHouse(t)
  // Locks are taken in the order of ids, so this one would be had first.
  const [free, locked] = [await house.wallet(100), await house.wallet(100)]
  const lock = await holdLock(house, locked)
  const moving = house.lane.submit(commandOf({ kind: 'move', walletId: free, toWalletId: locked, amount: 1 }))
  await whenSomebodyWaits(house)
  const had = await house.ownerSql.rows('select from ledger.account where id = $1 for update skip locked', [free])
  assert.equal(had.length, 1)
  await lock.release()
  assert.equal(verdictOf(await moving), 'done')
  await house.assertAgreement()
})

test('a command that waited for a wallet decides on its lots and balance as they are after the wait', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const later = await house.charge(walletId, 20)
  const ahead = await openBatch(house, [spendOf(walletId, merchantId, 105)])
  // Alone in its batch: beside others, a decision on stale lots could fail on a constraint and be made again.
  const behind = house.spend(walletId, merchantId, 15)
  await whenSomebodyWaits(house)
  await ahead.commit()
  const { lots, balanceAfter } = transferOf(await behind)
  assert.deepEqual(lots, [{ ...later.lots[0], amount: 15 }])
  assert.equal(balanceAfter, 0)
  await house.assertAgreement()
})

test('a refund that waited sees what was refunded meanwhile', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const spend = transferOf(await house.spend(walletId, merchantId, 100))
  const ahead = await openBatch(house, [commandOf({ kind: 'refund', transferId: spend.id, amount: 70 })])
  const behind = house.lane.submit(commandOf({ kind: 'refund', transferId: spend.id, amount: 31 }))
  await whenSomebodyWaits(house)
  await ahead.commit()
  assert.equal(verdictOf(await behind), 'refund-too-large')
})

test('a post that waited sees that its hold was voided meanwhile', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const holdId = await openHold(house, walletId, merchantId)
  const ahead = await openBatch(house, [commandOf({ kind: 'void', holdId })])
  const behind = house.lane.submit(commandOf({ kind: 'post', holdId, amount: null }))
  await whenSomebodyWaits(house)
  await ahead.commit()
  assert.equal(verdictOf(await behind), 'hold-not-pending')
  await house.assertAgreement()
})

test('a cancellation, a hold and a payout of one lot that waited see what was spent of it meanwhile', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(), await house.merchant()]
  const charge = await house.charge(walletId, 100)
  const { lotId } = charge.lots[0]!
  const ahead = await openBatch(house, [spendOf(walletId, merchantId, 60)])
  const amount = 41
  const behind = await Promise.all(
    [
      commandOf({ kind: 'cancel', transferId: charge.id }),
      commandOf({ kind: 'hold', walletId, payeeId: merchantId, amount, expiresInSeconds: 60, lotId }),
      commandOf({ kind: 'payout', from: { lotId }, amount }),
    ].map(async (command, at) => {
      // Each in a process of its own: beside others, it could fail on a constraint and be decided again.
      const answer = house.secondLane().lane.submit(command)
      await whenSomebodyWaits(house, at + 1)
      return { answer }
    }),
  )
  await ahead.commit()
  const verdicts = await Promise.all(behind.map(async ({ answer }) => verdictOf(await answer)))
  assert.deepEqual(verdicts, ['lot-touched', 'insufficient-points', 'insufficient-points'])
  await house.assertAgreement()
})

test('a request that waited for its own key answers what the first was answered', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const command = spendOf(walletId, merchantId, 60)
  const ahead = await openBatch(house, [command])
  const behind = house.lane.submit(command)
  await whenSomebodyWaits(house)
  await ahead.commit()
  assert.deepEqual(await behind, { ...ahead.outcomes[0], replayed: true })
})

test('a key that another request takes first refuses with 422, and leaves nothing behind', async (t) => {
  const house = await openLedgerHouse(t)
  const [first, second, merchantId] = [await house.wallet(100), await house.wallet(100), await house.merchant()]
  const command = spendOf(first, merchantId, 60)
  const ahead = await openBatch(house, [command])
  const behind = house.lane.submit(sharingKey(spendOf(second, merchantId, 60), command))
  await whenSomebodyWaits(house)
  await ahead.commit()
  assert.equal(verdictOf(await behind), 'key-reused')
  assert.equal(transferOf(await house.spend(second, merchantId, 100)).balanceAfter, 0)
})

test('batches that share keys in opposite order never deadlock, and each key has one effect', async (t) => {
  const house = await openLedgerHouse(t)
  const merchantId = await house.merchant()
  const wallets = await house.openMany('wallet', 80)
  for (const walletId of wallets) await house.charge(walletId, 1_000)
  const lanes = [house.lane, house.secondLane().lane]
  for (let round = 0; round < (isLong ? 200 : 15); round += 1) {
    const ones = wallets.slice(0, 40).map((walletId) => spendOf(walletId, merchantId, 1))
    const others = wallets.slice(40).map((walletId, at) => sharingKey(spendOf(walletId, merchantId, 1), ones[at]!))
    const outcomes = await Promise.all([
      ...ones.map((command) => lanes[0]!.submit(command)),
      ...others.toReversed().map((command) => lanes[1]!.submit(command)),
    ])
    const verdicts = outcomes.map(verdictOf).sort()
    assert.deepEqual(verdicts, [...Array<string>(40).fill('done'), ...Array<string>(40).fill('key-reused')])
  }
  assert.equal(await countDeadlocks(house), 0)
  await house.assertAgreement()
})

test('the time of a transfer is taken after the wait for its wallet, not before', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const lock = await holdLock(house, walletId)
  const waiting = house.spend(walletId, merchantId, 1)
  await whenSomebodyWaits(house)
  await house.advance(3_600)
  const [clock] = await house.ownerSql.rows<{ now: Date }>('select platform.programme_time() as now')
  await lock.release()
  assert.ok(transferOf(await waiting).createdAt >= clock!.now)
})

test('time never runs backwards for a wallet, whatever the clock does', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  await house.advance(86_400)
  const first = transferOf(await house.spend(walletId, merchantId, 1))
  await house.ownerSql.run('update platform.clock set offset_ms = 0')
  const second = transferOf(await house.spend(walletId, merchantId, 1))
  assert.deepEqual(second.createdAt, first.createdAt)
  const other = await house.wallet(100)
  const moved = commandOf({ kind: 'move', walletId: other, toWalletId: walletId, amount: 1 })
  assert.deepEqual(transferOf(await house.lane.submit(moved)).createdAt, first.createdAt)
})

test('what is due is booked where nobody asks for it, past what somebody has locked, and twice by nobody', async (t) => {
  const house = await openLedgerHouse(t)
  const second = house.second()
  const [heldId, lockedId, ...wallets] = await house.openMany('wallet', 120)
  const merchantId = await house.merchant()
  const expiresAt = new Date(Date.now() + 60_000)
  await Promise.all([...wallets, lockedId!].map((id) => house.charge(id, 10, { class: 'bonus', expiresAt })))
  await house.charge(heldId!, 10)
  const hold = { kind: 'hold', walletId: heldId!, payeeId: merchantId, amount: 10, expiresInSeconds: 60 } as const
  await house.lane.submit(commandOf({ ...hold, lotId: null }))
  const left = async () => {
    const rows = await house.ownerSql.rows<{ id: string }>(
      'select id from ledger.account where (held > 0 or bonus > 0 or next_due_at is not null) and kind = $1',
      ['wallet'],
    )
    return rows.map(({ id }) => id)
  }
  assert.equal((await left()).length, 120)
  await house.advance(120)
  const lock = await holdLock(house, lockedId!)
  const keepers = [house, second].map(({ database: reads, withWork }) =>
    keepDueBooked({ reads, withWork, settings: house.settings, onError: (error) => assert.fail(String(error)) }),
  )
  await until('all but one are booked', async () => (await left()).length === 1)
  assert.deepEqual(await left(), [lockedId])
  await lock.release()
  await until('that one is booked', async () => (await left()).length === 0)
  await Promise.all(keepers.map((keeper) => keeper.close()))
  const [count] = await house.ownerSql.rows<{ expired: number; voided: number }>(
    `select count(*) filter (where kind = 'expire') as expired, count(*) filter (where kind = 'void') as voided
     from ledger.transfer`,
  )
  assert.deepEqual(count, { expired: 119, voided: 1 })
  assert.equal((await house.lane.submit(spendOf(heldId!, merchantId, 10))).status, 'done')
  await house.assertAgreement()
})

test('a command that waited too long for its wallet is tried again by itself', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const { lane, failures } = openWatchedLane(house, { lockTimeoutMs: 200 })
  const lock = await holdLock(house, walletId)
  const waiting = lane.submit(spendOf(walletId, merchantId, 1))
  await until('the wait for the lock has failed', () => failures.length > 0)
  await lock.release()
  assert.equal(verdictOf(await waiting), 'done')
  assert.deepEqual(new Set(failures), new Set(['55P03']))
})

test('a batch that somebody else brought into a deadlock is tried again by itself', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const holdId = await openHold(house, walletId, merchantId)
  await letTheServiceLose(house)
  const { lane, failures } = openWatchedLane(house, { lockTimeoutMs: 30_000 })
  const owner = openOwner(house)
  const lots = await openWork(owner, ({ sql }) => sql.rows('select from ledger.lot for update'))
  const holds = await openWork(owner, ({ sql }) => sql.rows('select from ledger.hold for update'))
  const posted = lane.submit(commandOf({ kind: 'post', holdId, amount: null }))
  // It has the wallet and waits for the lot; it will come to the hold when somebody waits for the wallet.
  await whenSomebodyWaits(house)
  const crossing = holds.work.sql.rows('select from ledger.account where id = $1 for update', [walletId])
  await whenSomebodyWaits(house, 2)
  await lots.commit()
  await crossing
  await holds.commit()
  assert.equal(verdictOf(await posted), 'done')
  // More than one where the new attempt comes back to the wallet before the other transaction has woken up.
  assert.deepEqual(new Set(failures), new Set(['40P01']))
  await house.assertAgreement()
})

test('one poisoned command fails alone; its neighbours in the batch succeed', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(1_000), await house.merchant()]
  const commands = Array.from({ length: 40 }, (_, at) => {
    const reason = at === 17 || at === 31 ? 'a\u0000b' : null
    return commandOf({ kind: 'spend', walletId, merchantId, amount: 1 }, { reason })
  })
  const results = await Promise.allSettled(commands.map((command) => house.lane.submit(command)))
  const failed = results.flatMap((result, at) => (result.status === 'rejected' ? [at] : []))
  assert.deepEqual(failed, [17, 31])
  const [spends] = await house.ownerSql.rows<{ count: number }>(
    `select count(*) as count from ledger.transfer where kind = 'spend'`,
  )
  assert.equal(spends!.count, 38)
  await house.assertAgreement()
})

test('moves both ways and shared keys in any order, from three processes, never deadlock', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane, house.secondLane().lane]
  const merchantId = await house.merchant()
  const wallets = await house.openMany('wallet', 12)
  for (const walletId of wallets) await house.charge(walletId, 10_000)
  for (let round = 0; round < (isLong ? 100 : 8); round += 1) {
    const commands = Array.from({ length: 120 }, (_, at): Command => {
      const walletId = wallets[(at * 5 + round) % 12]!
      const toWalletId = wallets[(at * 7 + 3 + round) % 12]!
      return at % 3 === 0 || walletId === toWalletId
        ? spendOf(walletId, merchantId, 1)
        : commandOf({ kind: 'move', walletId, toWalletId, amount: 1 + (at % 9) })
    })
    const everywhere = lanes.map((lane) => Promise.all(shuffled(commands).map((command) => lane.submit(command))))
    for (const outcomes of await Promise.all(everywhere)) outcomes.forEach(transferOf)
  }
  assert.equal(await countDeadlocks(house), 0)
  await house.assertAgreement()
})

test('accounts are waited for in the order of their ids, in whatever order they are asked for or stored', async (t) => {
  const house = await openLedgerHouse(t)
  const ids = (await house.openMany('wallet', 3)).sort()
  const [first, middle, last] = ids as [string, string, string]
  // Written last, it is what a scan of the table comes to last.
  await house.ownerSql.run('update ledger.account set seq = seq where id = $1', [first])
  const lock = await openWork(processOf(house), ({ sql }) => lockAccounts(sql, { ids: [first], wait: true }))
  const waiting = house.second().withWork(system, async ({ sql }) => {
    await sql.run('set local enable_indexscan = off')
    await sql.run('set local enable_bitmapscan = off')
    return lockAccounts(sql, { ids: [last, middle, first], wait: true })
  })
  await whenSomebodyWaits(house)
  // Who has the first finds the others free, though they were asked for before it: so nobody waits in a circle.
  const had = await lock.work.sql.rows<{ id: string }>(
    'select id from ledger.account where id = any($1::uuid[]) order by id for update skip locked',
    [ids],
  )
  await lock.commit()
  assert.deepEqual(
    [had, await waiting].map((accounts) => accounts.map((account) => account.id)),
    [ids, ids],
  )
})

test('batches that wait for each other’s wallets never deadlock, whatever the order of their commands', async (t) => {
  const house = await openLedgerHouse(t)
  const processes = [house, house.second(), house.second()]
  const wallets = await house.openMany('wallet', 8)
  for (const walletId of wallets) await house.charge(walletId, 100_000)
  const { settings } = house
  const moveOn = (walletId: string, at: number) =>
    commandOf({ kind: 'move', walletId, toWalletId: wallets[(at + 3) % 8]!, amount: 1 })
  await Promise.all(
    processes.map(async ({ withWork }) => {
      for (let round = 0; round < (isLong ? 400 : 30); round += 1) {
        const commands = shuffled(wallets.map(moveOn))
        const outcomes = await withWork(system, (work) => applyTransfers(work, { commands, settings, wait: true }))
        for (const outcome of outcomes) assert.equal(outcome.status, 'done')
      }
    }),
  )
  assert.equal(await countDeadlocks(house), 0)
  await house.assertAgreement()
})

test('lots are updated in place: no column that a spend changes stands in an index', async (t) => {
  // One connection, whose statistics can be asked for when the work is done.
  const house = await openLedgerHouse(t, { poolSize: 1 })
  const [walletId, merchantId] = [await house.wallet(), await house.merchant()]
  for (let lot = 0; lot < 5; lot += 1) await house.charge(walletId, 100_000)
  for (let round = 0; round < 200; round += 1) {
    await Promise.all([house.spend(walletId, merchantId, 1), house.spend(walletId, merchantId, 2)])
  }
  await house.database.sql.run('select pg_stat_force_next_flush()')
  const [updates] = await house.ownerSql.rows<{ all: number; hot: number }>(
    `select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relid = 'ledger.lot'::regclass`,
  )
  const { all, hot } = updates!
  assert.ok(all >= 200, `only ${all} updates were counted`)
  assert.ok(hot / all > 0.95, `${hot} of ${all} were in place`)
})

/** Another request under the same key. */
function sharingKey(command: Command, other: Command): Command {
  return { ...command, key: { digest: other.key!.digest, requestHash: command.key!.requestHash } }
}

/** The lane tries a deadlock again by itself, so only the database knows of it. */
async function countDeadlocks({ ownerSql }: LedgerHouse): Promise<number> {
  const [seen] = await ownerSql.rows<{ deadlocks: number }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  )
  return seen!.deadlocks
}

/** A lane of a process of its own, and the SQLSTATE of each batch that failed in it. */
function openWatchedLane(house: LedgerHouse, options: { lockTimeoutMs: number }) {
  const database = openDatabase({ url: house.serviceUrl, poolSize: 4, ...options })
  const withWork = workOver(database)
  const failures: string[] = []
  const watched: WithWork = (actor, run) =>
    withWork(actor, run).catch((error: { code: string }) => {
      failures.push(error.code)
      throw error
    })
  const lane = openLedgerLane({ withWork: watched, settings: house.settings })
  house.onClose(async () => {
    await lane.close()
    await database.close()
  })
  return { lane, failures }
}

/** Of the service and the owner in a deadlock, the service is the one that is told. */
async function letTheServiceLose({ ownerUrl }: LedgerHouse): Promise<void> {
  const admin = openDatabase({ url: process.env.PODO_TEST_ADMIN_URL!, poolSize: 1 })
  const name = new URL(ownerUrl).pathname.slice(1)
  await admin.sql.run(`alter role podo_service in database ${name} set deadlock_timeout = '10ms'`)
  await admin.sql.run(`alter role podo_owner in database ${name} set deadlock_timeout = '1min'`)
  await admin.close()
}

/** Somebody at the owner's prompt, with more patience than the service has. */
function openOwner({ ownerUrl, onClose }: LedgerHouse): Somebody {
  const patience = { statementTimeoutMs: 60_000, lockTimeoutMs: 60_000 }
  const database = openDatabase({ url: ownerUrl, poolSize: 2, ...patience })
  onClose(() => database.close())
  return { withWork: workOver(database), onClose }
}

/** Sets 40 points of a wallet aside; answers the hold. */
async function openHold({ lane }: LedgerHouse, walletId: string, payeeId: string): Promise<string> {
  const command = commandOf({ kind: 'hold', walletId, payeeId, amount: 40, expiresInSeconds: 600, lotId: null })
  return transferOf(await lane.submit(command)).holdId!
}

/** Locks a wallet as another process would, until it is released. */
async function holdLock(house: LedgerHouse, walletId: string): Promise<{ release(): Promise<void> }> {
  const { commit } = await openWork(processOf(house), ({ sql }) =>
    sql.rows('select from ledger.account where id = $1 for update', [walletId]),
  )
  return { release: commit }
}

/** Decides a batch in another process and leaves it uncommitted. */
async function openBatch(house: LedgerHouse, commands: readonly Command[]) {
  const batch = { commands, settings: house.settings, wait: true }
  const { result, commit } = await openWork(processOf(house), async (work) => {
    const outcomes = await applyTransfers(work, batch)
    // Its writes are only sent; behind this answer they are done.
    await work.sql.rows('select')
    return outcomes
  })
  return { outcomes: result, commit }
}

/** Whoever opens units of work, and hears of the end of the test. */
type Somebody = Pick<LedgerHouse, 'withWork' | 'onClose'>

function processOf({ second, onClose }: LedgerHouse): Somebody {
  return { withWork: second({ poolSize: 1 }).withWork, onClose }
}

/** A unit of work that stays open after `run` until it is committed. */
async function openWork<Result>({ withWork, onClose }: Somebody, run: (work: Work) => Promise<Result>) {
  const begun = Promise.withResolvers<{ work: Work; result: Result }>()
  const ending = Promise.withResolvers<void>()
  const ended = withWork(system, async (work) => {
    await work.sql.run('set local idle_in_transaction_session_timeout = 0')
    begun.resolve({ work, result: await run(work) })
    await ending.promise
  })
  ended.catch(begun.reject)
  // A test that failed has committed nothing.
  onClose(() => ending.resolve())
  const { work, result } = await begun.promise
  const commit = () => {
    ending.resolve()
    return ended
  }
  return { work, result, commit }
}

async function whenSomebodyWaits({ ownerSql }: LedgerHouse, count = 1): Promise<void> {
  await until(`${count} wait for a lock`, async () => {
    const waiting = await ownerSql.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return waiting.length >= count
  })
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}
