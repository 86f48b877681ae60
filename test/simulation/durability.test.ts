import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventSources } from '#catalogue'
import { failureOf, openDatabase } from '#platform/database'
import { findUnnumbered } from '#platform/events/lag'
import { until } from '#test/harness'
import { urlFor } from '../setup.ts'
import { openCrowd, type Settled, settle } from './caller.ts'
import { type KillableHouse, openKillableHouse } from './killable-house.ts'
import { openProgramme } from './programme.ts'
import { startRelay } from './relay.ts'
import { assertSound } from './soundness.ts'
import { openTalk } from './talk.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const killsOfEach = isLong ? 20 : 2
const callers = 8
/** Answers between two kills: few and uneven, so that no kill falls into the same moment as another. */
const answersBetween = [15, 70, 33, 52, 91]

const house = await openKillableHouse({ after })

test('what was acknowledged is there after kill -9 of PostgreSQL and of the service, once and to the byte', async (t) => {
  const { service, ownerSql } = house
  const { walletIds } = await openProgramme(service, { wallets: 6, points: 1_000_000 })
  const before = await countTransfers()
  const settled: Settled[] = []
  const crowd = openCrowd(t, {
    count: callers,
    turn: async (caller, turn) => {
      const own = walletIds[caller % walletIds.length]!
      const other = walletIds[(caller + 1) % walletIds.length]!
      settled.push(...(await doEveryKind(`${caller}-${turn}`, { own, other })))
    },
  })
  for (let kill = 0; kill < 2 * killsOfEach; kill += 1) {
    const enough = settled.length + answersBetween[kill % answersBetween.length]!
    await crowd.until('they were answered', () => settled.length >= enough)
    await (kill % 2 === 0 ? house.killPostgres() : house.killService())
  }
  const enough = settled.length + 5 * callers
  await crowd.until('they were answered after the last kill', () => settled.length >= enough)
  await crowd.stop()

  assert.ok(
    settled.some(({ inVain }) => inVain > 0),
    'the kills disturbed nobody',
  )
  const done = settled.filter(({ status }) => status !== 409)
  assert.equal((await countTransfers()) - before, done.length)
  await inTurns(settled, async ({ ask, status, text, body }) => {
    const again = await service.send(ask)
    assert.equal(again.headers['idempotent-replayed'], 'true', ask.path)
    // A refusal names the request that asks, and nothing else in it may change.
    if (status === 409) return assert.deepEqual({ ...again.body, instance: '' }, { ...body, instance: '' })
    assert.deepEqual([again.status, again.text], [status, text])
    if (!body.id.startsWith('trf_')) return
    const found = await service.send({ method: 'GET', path: `/v1/transfers/${body.id}` })
    assert.deepEqual({ ...found.body, refundedAmount: 0 }, body)
  })
  assert.equal((await countTransfers()) - before, done.length)
  await assertSound(house)
  async function countTransfers(): Promise<number> {
    const [row] = await ownerSql.rows<{ count: number }>('select count(*) from ledger.transfer')
    return row!.count
  }
})

/** One of every kind, each under a key of its own; answers each that books one row of the journal. */
async function doEveryKind(name: string, { own, other }: { own: string; other: string }): Promise<Settled[]> {
  const { service } = house
  const ask = (kind: string, path: string, body: object = {}) => settle(service, { path, body, key: `${kind}-${name}` })
  const at = `/v1/wallets/${own}`
  const charge = await ask('charge', `${at}/charges`, { amount: 7, class: 'bonus' })
  const spend = await ask('spend', `${at}/spends`, { amount: 5, metadata: { name } })
  const refund = await ask('refund', `/v1/transfers/${spend.body.id}/refunds`, { amount: 2 })
  const hold = await ask('hold', `${at}/holds`, { amount: 4 })
  const ending = name.endsWith('0') ? 'void' : 'post'
  const ended = await ask(ending, `/v1/holds/${hold.body.id}/${ending}`)
  const move = await ask('move', `${at}/moves`, { toWalletId: other, amount: 1 })
  const tooMuch = await ask('too-much', `${at}/spends`, { amount: 1_000_000_000 })
  return [charge, spend, refund, hold, ended, move, tooMuch]
}

test('points are conserved while 16 callers move and spend and both are killed: every snapshot has the same total', async (t) => {
  const { service } = house
  const points = 1_000_000
  const { companyId, walletIds } = await openProgramme(service, { wallets: 10, points })
  let answered = 0
  const crowd = openCrowd(t, {
    count: 16,
    turn: async (caller, turn) => {
      const from = walletIds[(caller + turn) % walletIds.length]!
      const to = walletIds[(caller * 3 + turn + 1) % walletIds.length]!
      const [what, body] =
        turn % 4 === 0 || from === to
          ? ['spends', { amount: 9 }]
          : ['moves', { toWalletId: to, amount: 11 + (turn % 7) }]
      await settle(service, { path: `/v1/wallets/${from}/${what}`, body, key: `conserve-${caller}-${turn}` })
      answered += 1
    },
  })
  let snapshots = 0
  const reader = openCrowd(t, {
    count: 1,
    turn: async () => {
      if (await readSnapshot(house, { companyId, walletIds, total: walletIds.length * points })) snapshots += 1
    },
  })
  const endAt = Date.now() + (isLong ? 60_000 : 0)
  for (let kill = 0; kill < 2 || Date.now() < endAt; kill += 1) {
    const [enough, seen] = [answered + (isLong ? 500 : 60), snapshots + 5]
    await crowd.until('they were answered', () => answered >= enough)
    await reader.until('somebody looked', () => snapshots >= seen)
    await (kill % 2 === 0 ? house.killPostgres() : house.killService())
  }
  const seen = snapshots + 5
  await reader.until('somebody looked after the last kill', () => snapshots >= seen)
  await crowd.stop()
  await reader.stop()
  await assertSound(house)
})

/** Adds up everything in one snapshot: lots, balances, and what the merchant has by the journal. False when it could not. */
async function readSnapshot(
  { ownerSql }: KillableHouse,
  { companyId, walletIds, total }: { companyId: string; walletIds: readonly string[]; total: number },
): Promise<boolean> {
  const uuid = (id: string) => id.slice(4)
  // One statement is one snapshot.
  const rows = await ownerSql
    .rows<{ lots: string; balances: string; earned: string; least: string }>(
      `select
         (select sum(remaining) from ledger.lot where account_id = any($1::uuid[])) as lots,
         (select sum(bonus + prize + paid) from ledger.account where id = any($1::uuid[])) as balances,
         (select min(least(bonus, prize, paid)) from ledger.account where id = any($1::uuid[])) as least,
         (select coalesce(sum(amount), 0) from ledger.transfer where payee_id = $2) as earned`,
      [walletIds.map(uuid), uuid(companyId)],
    )
    .catch(() => null)
  if (!rows) return false
  const { lots, balances, earned, least } = rows[0]!
  assert.equal(Number(lots) + Number(earned), total)
  assert.equal(balances, lots)
  assert.ok(Number(least) >= 0)
  return true
}

test('events outlast kill -9 of PostgreSQL under load: none is missing, none is heard twice, and the relay goes on', async (t) => {
  const { service } = house
  const { walletIds } = await openProgramme(service, { wallets: 6, points: 1_000_000 })
  await until('what happened before is told', async () => (await findUnnumbered(house.database, eventSources)) === 0)
  const talk = await openTalk(
    house,
    walletIds.map((id) => id.slice(4)),
  )
  const relay = startRelay(house)
  t.after(relay.kill)
  await talk.isListenedTo()
  const crowd = openCrowd(t, {
    count: callers,
    turn: async (caller, turn) => {
      await talk.say().catch((error) => assert.equal(failureOf(error), 'unavailable', String(error)))
      const path = `/v1/wallets/${walletIds[caller % walletIds.length]}/spends`
      await settle(service, { path, body: { amount: 1 }, key: `heard-${caller}-${turn}` })
    },
  })
  const moreHeard = async () => {
    const { heard } = await talk.count()
    await until('more was heard', async () => (await talk.count()).heard > heard + 100)
  }
  for (let kill = 0; kill < killsOfEach; kill += 1) {
    await moreHeard()
    await house.killPostgres()
  }
  await moreHeard()
  await crowd.stop()
  await talk.assertHeardOnce()
})

test('the control: points moved by reading, adding and writing back are not conserved', async (t) => {
  const { ownerSql } = house
  await ownerSql.run('create table naive_wallet as select id, 10000 as balance from generate_series(0, 9) as id')
  const read = async (id: number) =>
    (await ownerSql.rows<{ balance: number }>('select balance from naive_wallet where id = $1', [id]))[0]!.balance
  const write = (id: number, balance: number) =>
    ownerSql.run('update naive_wallet set balance = $2 where id = $1', [id, balance])
  const crowd = openCrowd(t, {
    count: 16,
    turn: async (caller, turn) => {
      const [from, to] = [(caller + turn) % 10, (caller * 3 + turn + 1) % 10]
      const [left, right] = [await read(from), await read(to)]
      await write(from, left - 11)
      await write(to, right + 11)
    },
  })
  await until('points were lost or made', async () => {
    const [row] = await ownerSql.rows<{ total: number }>('select sum(balance) as total from naive_wallet')
    return Number(row!.total) !== 100_000
  })
  await crowd.stop()
})

test('the control: without synchronous_commit a kill -9 of PostgreSQL loses what was acknowledged', async (t) => {
  const { ownerSql, server, service } = house
  // Whatever it commits takes along to the disk what was committed before.
  await service.kill()
  await ownerSql.run('create table acknowledged (number int primary key)')
  const admin = openDatabase({ url: server.adminUrl, poolSize: 1 })
  t.after(() => admin.close())
  // The writer of the log would save what it finds every 0.2 s.
  for (const [name, value] of Object.entries({ wal_writer_delay: '10s', wal_writer_flush_after: '1GB' })) {
    await admin.sql.run(`alter system set ${name} = '${value}'`)
  }
  await admin.sql.run('select pg_reload_conf()')
  assert.equal(await countLost('on', 0), 0)
  assert.ok((await countLost('off', 1_000)) > 0)
})

/** Writes 100 rows, kills PostgreSQL at once, and counts those that were acknowledged and are not there. */
async function countLost(synchronousCommit: 'on' | 'off', first: number): Promise<number> {
  const name = (await house.ownerSql.rows<{ name: string }>('select current_database() as name'))[0]!.name
  const database = openDatabase({ url: urlFor(house.server.adminUrl, name, 'podo_owner'), poolSize: 1 })
  try {
    for (let number = first; number < first + 100; number += 1) {
      await database.transaction(async (sql) => {
        await sql.run(`set local synchronous_commit = ${synchronousCommit}`)
        sql.send('insert into acknowledged values ($1)', [number])
      })
    }
    await house.killPostgres()
  } finally {
    await database.close()
  }
  const [row] = await house.ownerSql.rows<{ count: number }>(
    'select count(*) from acknowledged where number between $1 and $1 + 99',
    [first],
  )
  return 100 - row!.count
}

/** A few at a time: the machine has others to serve. */
async function inTurns<Item>(items: readonly Item[], run: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (const item of left) await run(item)
    }),
  )
}
