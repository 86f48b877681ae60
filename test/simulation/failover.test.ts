import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { findRollUpLag } from '#modules/ledger'
import { failureOf } from '#platform/database'
import { type House, until } from '../harness.ts'
import { type Crowd, openCrowd, type Settled, settle } from './caller.ts'
import { openKillableHouse } from './killable-house.ts'
import { openProgramme } from './programme.ts'
import { startRelay } from './relay.ts'
import { openReplicatedHouse, type ReplicatedHouse } from './replicated-house.ts'
import type { Service } from './service.ts'
import { assertSound } from './soundness.ts'
import { openTalk } from './talk.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const callers = 8
const wallets = { wallets: 4, points: 1_000_000 }
/** How long the service may need to be back by itself. */
const backMsMax = 10_000
/** A statement's bound, that of a connection, and what a loaded machine adds. */
const answerMsMax = 20_000

test('a standby that has every commit is promoted under load: nothing acknowledged is lost, no key has two effects, events go on', async (t) => {
  const house = await openReplicatedHouse(t, { isSynchronous: true })
  const { walletIds } = await openProgramme(house.service, wallets)
  const talk = await openTalk(
    house,
    walletIds.map((id) => id.slice(4)),
  )
  const relay = startRelay(house)
  await talk.isListenedTo()
  const load = await startLoad(t, { ...house, walletIds })
  const talkers = openCrowd(t, { count: 4, turn: () => talk.say().catch(ignoreOutage) })
  await load.answered(10)
  await house.cutReplication()
  await until('commits waited for the standby', async () => {
    const rows = await house.primary.admin.sql.rows(`select from pg_stat_activity where wait_event = 'SyncRep'`)
    return rows.length > 0
  })
  const before = load.settled.length
  const backMs = await failOver(t, { house, load })
  assert.ok(backMs < backMsMax, `back after ${backMs} ms`)
  // The first of each was under way in the meantime.
  await load.answered(1)
  const after = load.settled.length
  await load.answered(10)
  await load.crowd.stop()
  await talkers.stop()

  assert.deepEqual(await load.lost(), [])
  await load.assertOnce()
  await assertInOrder(house, { before: load.settled.slice(0, before), after: load.settled.slice(after) })
  await talk.assertHeardOnce()
  await relay.kill()
  await assertRecovered(house)
  await assertSound(house)
})

test('the control: promoted without having every commit, a standby has lost what was acknowledged', {
  skip: !isLong,
}, async (t) => {
  const house = await openReplicatedHouse(t, { isSynchronous: false })
  const { walletIds } = await openProgramme(house.service, wallets)
  const load = await startLoad(t, { ...house, walletIds })
  await load.answered(10)
  await house.cutReplication()
  await load.answered(10)
  const backMs = await failOver(t, { house, load })
  assert.ok(backMs < backMsMax, `back after ${backMs} ms`)
  await load.crowd.stop()
  assert.ok((await load.lost()).length > 0)
})

test('a primary that hangs is answered for in bounded time; replaced by its standby, nothing acknowledged is lost', {
  skip: !isLong,
}, async (t) => {
  const house = await openReplicatedHouse(t, { isSynchronous: true })
  const { walletIds } = await openProgramme(house.service, wallets)
  const load = await startLoad(t, { ...house, walletIds })
  await load.answered(10)
  await house.primary.signal('SIGSTOP')
  const endAt = performance.now() + 20_000
  await load.crowd.until('20 s had passed', () => performance.now() > endAt)
  await house.primary.signal('SIGCONT')
  await load.answered(10)
  t.diagnostic(`hung for 20 s: the slowest answer took ${Math.round(load.slowestMs())} ms`)
  assert.ok(load.slowestMs() < answerMsMax, `an answer took ${load.slowestMs()} ms`)
  await assertRecovered(house)

  await house.primary.signal('SIGSTOP')
  const since = performance.now()
  await house.standby.promote()
  const answered = load.settled.length
  await load.crowd.until('they were answered again', () => load.settled.length > answered)
  t.diagnostic(`a hung primary replaced: back after ${Math.round(performance.now() - since)} ms`)
  assert.ok(performance.now() - since < answerMsMax)
  await load.answered(10)
  await load.crowd.stop()
  await house.primary.signal('SIGKILL')
  await until('this test was let in again', () => load.lost().catch(ignoreOutage))
  assert.deepEqual(await load.lost(), [])
  await load.assertOnce()
  await assertRecovered(house)
  await assertSound(house)
})

test('PostgreSQL is away for a while under load: everybody is told at once, and all goes on by itself when it is back', {
  skip: !isLong,
}, async (t) => {
  const outageMs = 30_000
  const house = await openKillableHouse(t, { restartPausesMs: [outageMs] })
  const { walletIds } = await openProgramme(house.service, wallets)
  const load = await startLoad(t, { ...house, walletIds })
  await load.answered(10)
  const { server } = house
  process.kill(server.pid(), 'SIGINT')
  await until('it was away', () => server.postgres.problem(), { timeoutMs: outageMs })
  await until('it was back', () => server.postgres.problem() === null, { timeoutMs: 2 * outageMs })
  const since = performance.now()
  const answered = load.settled.length
  await load.crowd.until('they were answered again', () => load.settled.length > answered)
  const backMs = performance.now() - since
  t.diagnostic(`back after ${Math.round(backMs)} ms; the slowest answer took ${Math.round(load.slowestMs())} ms`)
  assert.ok(backMs < backMsMax, `back after ${backMs} ms`)
  assert.ok(load.slowestMs() < backMsMax, `an answer took ${load.slowestMs()} ms`)
  await load.answered(10)
  await load.crowd.stop()
  await load.assertOnce()
  await assertRecovered(house)
  await assertSound(house)
})

/** Kills the primary, promotes the standby, and waits until somebody is answered by it. */
async function failOver(t: TestContext, { house, load }: { house: ReplicatedHouse; load: Load }): Promise<number> {
  await house.primary.signal('SIGKILL')
  const since = performance.now()
  const answered = load.settled.length
  await house.standby.promote()
  const promotedMs = performance.now() - since
  await load.crowd.until('they were answered by the new primary', () => load.settled.length > answered)
  const backMs = performance.now() - since
  t.diagnostic(`promoted after ${Math.round(promotedMs)} ms, answered after ${Math.round(backMs)} ms`)
  return backMs
}

/** Callers who spend, each time under a key of its own, until they are answered. */
interface Load {
  readonly crowd: Crowd
  /** What was acknowledged, in this order. */
  readonly settled: readonly Settled[]
  /** The longest that anybody waited for one answer, whatever it was. */
  slowestMs(): number
  /** Waits until everybody was answered so many times more. */
  answered(times: number): Promise<void>
  /** Ids of transfers that were acknowledged and are not there. */
  lost(): Promise<string[]>
  /** Fails unless each key has its one transfer, there are no others, and each is told again to the byte. */
  assertOnce(): Promise<void>
}

async function startLoad(
  t: TestContext,
  { service, ownerSql, walletIds }: House & { service: Service; walletIds: readonly string[] },
): Promise<Load> {
  const listIds = async () => (await ownerSql.rows<{ id: string }>('select id from ledger.transfer')).map(toPublic)
  const before = await listIds()
  const settled: Settled[] = []
  const counts = new Array<number>(callers).fill(0)
  let slowestMs = 0
  const timed: Pick<Service, 'send'> = {
    async send(ask) {
      const since = performance.now()
      try {
        return await service.send(ask)
      } finally {
        slowestMs = Math.max(slowestMs, performance.now() - since)
      }
    },
  }
  const crowd = openCrowd(t, {
    count: callers,
    turn: async (caller, turn) => {
      const path = `/v1/wallets/${walletIds[(caller + turn) % walletIds.length]}/spends`
      settled.push(await settle(timed, { path, body: { amount: 3 }, key: `failover-${caller}-${turn}` }))
      counts[caller]! += 1
    },
  })
  return {
    crowd,
    settled,
    slowestMs: () => slowestMs,
    async answered(times) {
      const enough = counts.map((count) => count + times)
      await crowd.until('everybody was answered', () => counts.every((count, caller) => count >= enough[caller]!))
    },
    async lost() {
      const kept = new Set(await listIds())
      return settled.map(({ body }) => body.id).filter((id) => !kept.has(id))
    },
    async assertOnce() {
      assert.equal(new Set(settled.map(({ body }) => body.id)).size, settled.length)
      assert.equal((await listIds()).length - before.length, settled.length)
      for (const { ask, status, text } of settled) {
        const again = await service.send(ask)
        assert.deepEqual([again.status, again.text], [status, text])
        assert.equal(again.headers['idempotent-replayed'], 'true')
      }
    },
  }
}

/** What the new primary wrote has its places behind all that the former one had acknowledged. */
async function assertInOrder(
  { ownerSql }: House,
  { before, after }: Record<'before' | 'after', readonly Settled[]>,
): Promise<void> {
  const ids = (settled: readonly Settled[]) => settled.map(({ body }) => body.id.slice(4))
  const [found] = await ownerSql.rows<{ isInOrder: boolean }>(
    `select max(position) filter (where id = any($1::uuid[])) < min(position) filter (where id = any($2::uuid[]))
       as "isInOrder" from ledger.transfer`,
    [ids(before), ids(after)],
  )
  assert.equal(found!.isInOrder, true)
}

function toPublic({ id }: { id: string }): string {
  return `trf_${id.replaceAll('-', '')}`
}

/** The worker folds and listens for jobs again, and no connection was left behind. */
async function assertRecovered({ database, ownerSql }: House): Promise<void> {
  // Who listens for jobs tries again after ever longer pauses; jobs are looked for meanwhile.
  const patience = { timeoutMs: 120_000 }
  await until('balances were folded', async () => (await findRollUpLag(database)) === 0, patience)
  const count = async () => {
    const [found] = await ownerSql.rows<{ service: number; jobs: number; listening: number }>(
      `select count(*) filter (where application_name = 'podo')::int as service,
         count(*) filter (where application_name = 'podo jobs')::int as jobs,
         count(*) filter (where application_name = 'podo jobs' and query like 'LISTEN%')::int as listening
       from pg_stat_activity where datname = current_database()`,
    )
    return found!
  }
  await until('the jobs listened', async () => (await count()).listening === 1, patience)
  const { service, jobs } = await count()
  assert.ok(service <= 8 && jobs <= 4, `${service} connections of the service, ${jobs} of the jobs`)
}

function ignoreOutage(error: unknown): void {
  assert.equal(failureOf(error), 'unavailable', String(error))
}
