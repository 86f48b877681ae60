import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { eventSources } from '#catalogue'
import { lookForNews } from '#platform/events/numbering'
import { system } from '#platform/work'
import { until } from '#test/harness'
import { openLedgerHouse } from '#test/ledger-house'
import { type Crowd, openCrowd } from './caller.ts'
import { type Relay, startRelay } from './relay.ts'
import { openTalk } from './talk.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const writers = 16
const points = 1_000_000_000

const house = await openLedgerHouse({ after }, { poolSize: writers + 2 })
const merchantId = await house.merchant()
const walletIds = await Promise.all(Array.from({ length: 10 }, () => house.wallet(points)))
const talk = await openTalk(house, walletIds)

const relays = Array.from({ length: 3 }, () => startRelay(house))
await talk.isListenedTo()
const leases = await until('all that there is to do is done by somebody', async () => {
  const held = await listLeases()
  return held.length === 3 ? held.map(({ name }) => name) : null
})

test('nothing is lost or heard twice while 16 write and who relays is killed again and again', async (t) => {
  const crowd = openWriters(t)
  const kills = isLong ? 20 : 4
  const events = isLong ? 100_000 : 3_000
  for (let kill = 1; kill <= kills; kill += 1) {
    await untilHeard((kill * events) / (kills + 1))
    const name = leases[kill % leases.length]!
    const killed = await holderOf(name)
    await killed.kill()
    await letLeasesRunOut(killed)
    await until(`${name} is another's`, async () => (await listLeases(killed)).length === 0)
    killed.start()
  }
  await untilHeard(events)
  await crowd.stop()
  await assertHeardOnce()
})

test('a process that was stopped past its lease writes nothing when it goes on', async () => {
  // The last one is undone by PostgreSQL, which takes longer.
  const points = ['before it begins', 'before it looks at its lease', 'before it commits'] as const
  const moments = (isLong ? points : points.slice(0, 2)).flatMap((point) => [
    { task: 'numbering' as const, point },
    { task: 'hearing' as const, point },
  ])
  for (let round = 0; round < (isLong ? 100 : moments.length); round += 1) {
    const { task, point } = moments[round % moments.length]!
    const stopped = await holderOf(task === 'numbering' ? 'events: numbers' : 'events: ear for test.said')
    await Promise.all([stopped.stopAt({ task, point }), talk.say()])
    await letLeasesRunOut(stopped)
    await until('others do what it did', async () => (await listLeases(stopped)).length === 0)
    const isDone = point === 'before it begins'
    if (isDone) await untilQuiet()
    const before = isDone ? await readMarks() : null
    assert.match(await stopped.goOn(), isDone ? /^LeaseLost$/ : /^(LeaseLost|error)$/)
    if (isDone) assert.deepEqual(await readMarks(), before)
    await talk.allHeard()
  }
  await assertHeardOnce()
})

test('what happens while somebody holds the horizon waits, and is heard in its order when that ends', async (t) => {
  const delaysMs: number[] = []
  for (let round = 0; round < 3; round += 1) {
    await talk.allHeard()
    const { heard } = await talk.count()
    const end = await holdHorizon()
    const crowd = openWriters(t)
    await crowd.until('they have written', () => crowd.turns() >= 2 * writers)
    await crowd.stop()
    assert.equal((await talk.count()).heard, heard)
    await end()
    const endedAt = performance.now()
    await talk.allHeard()
    delaysMs.push(performance.now() - endedAt)
  }
  await assertHeardOnce()
  // Transactions of other tests on the server hold the horizon, too.
  assert.ok(Math.min(...delaysMs) < 1_000, `heard after ${delaysMs} ms`)
})

/** Each says something and spends, turn after turn. */
function openWriters(t: TestContext): Crowd & { turns(): number } {
  let turns = 0
  const crowd = openCrowd(t, {
    count: writers,
    turn: async (writer, turn) => {
      await talk.say()
      await house.spend(walletIds[(writer + turn) % walletIds.length]!, merchantId, 1)
      turns += 1
    },
  })
  return { ...crowd, turns: () => turns }
}

function untilHeard(events: number): Promise<unknown> {
  return until('so much was heard', async () => (await talk.count()).heard >= events, { timeoutMs: 600_000 })
}

/** What waiting for longer than a lease does. */
async function letLeasesRunOut(relay: Relay): Promise<void> {
  if (isLong) return
  await house.ownerSql.run(`update platform.lease set expires_at = 'epoch' where split_part(holder, ' ', 2) = $1`, [
    String(relay.pid()),
  ])
}

interface Held {
  readonly name: string
  readonly pid: number
}

/** Who does what, or what one of the processes does. */
async function listLeases(relay?: Relay): Promise<Held[]> {
  const leases = await house.ownerSql.rows<Held>(
    `select name, split_part(holder, ' ', 2)::int as pid from platform.lease where name like 'events: %' order by name`,
  )
  return leases.filter(({ pid }) => !relay || relay.pid() === pid)
}

async function holderOf(name: string): Promise<Relay> {
  const held = (await listLeases()).find((lease) => lease.name === name)
  return relays.find((relay) => relay.pid() === held?.pid) ?? assert.fail(`nobody holds ${name}`)
}

/** Everything was heard, and there is nothing left to note. */
async function untilQuiet(): Promise<void> {
  await talk.allHeard()
  await until(
    'all is numbered',
    async () => !(await lookForNews(house.database, { sources: eventSources, since: 0 })).isAny,
  )
}

/** How far numbering and hearing have come, with the transactions that wrote it. */
function readMarks(): Promise<unknown[]> {
  return house.ownerSql.rows(
    `select number, xmin::text from platform.event_mark
     union all select number, xmin::text from platform.subscription where name = 'ear for test.said'`,
  )
}

/** Begins a transaction that stays open; answers what ends it. */
async function holdHorizon(): Promise<() => Promise<unknown>> {
  const begun = Promise.withResolvers<void>()
  let isOver = false
  const held = house.withWork(system, async (work) => {
    await work.sql.rows('select pg_current_xact_id()')
    begun.resolve()
    // Who is idle inside a transaction is taken for dead.
    while (!isOver) await work.sql.rows('select pg_sleep(0.01)')
  })
  await Promise.race([begun.promise, held])
  return () => {
    isOver = true
    return held
  }
}

async function assertHeardOnce(): Promise<void> {
  await talk.assertHeardOnce()
  assert.deepEqual(
    relays.flatMap((relay) => relay.failures()),
    [],
  )
}
