import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import type { Body } from '../api-house.ts'
import { openHouse, until } from '../harness.ts'
import { openReceiver } from '../webhook-receiver.ts'
import { openCrowd, type Settled, settle } from './caller.ts'
import { openProgramme } from './programme.ts'
import { type Service, startService } from './service.ts'
import { assertSound } from './soundness.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const killsOfEach = isLong ? 20 : 1
/** Answers between two kills: few and uneven, so that no kill falls into the same moment as another. */
const answersBetween = [31, 12, 47, 20, 38]

const house = await openHouse({ after })
const { ownerSql } = house
const start = (role: string) =>
  startService(house, { settings: { PODO_ROLE: role, WORKER_PORT: '0', PODO_RATE_LIMITS: 'false' } })
const [api, ...workers] = await Promise.all([start('api'), start('worker'), start('worker')])

test('whoever takes requests on and whoever carries them out are killed: all that was taken on is done once and in order', async (t) => {
  const { walletIds } = await openProgramme(api!, { wallets: 5, points: 0 })
  const asked: Settled[][] = walletIds.map(() => [])
  const answered = () => asked.flat().length
  const gate = { until: 0 }
  const load = openCrowd(t, {
    count: walletIds.length,
    // Each charge is spent whole, so that any other order refuses one; and then there is nothing to spend.
    turn: async (caller, turn) => {
      await until('more is wanted', () => answered() < gate.until, { timeoutMs: 120_000 })
      const at = `/v1/wallets/${walletIds[caller]}`
      const ask = (kind: string, path: string, body: object) =>
        settle(api!, { path: `${at}/${path}`, body, key: `${kind}-${caller}-${turn}`, later: true })
      const amount = turn + 1
      asked[caller]!.push(await ask('charge', 'charges', { amount, class: 'paid' }))
      asked[caller]!.push(await ask('spend', 'spends', { amount }))
      asked[caller]!.push(await ask('too-much', 'spends', { amount: 1 }))
      await assertAllThere()
    },
  })
  for (let kill = 0; kill < 2 * killsOfEach; kill += 1) {
    const enough = answered() + answersBetween[kill % answersBetween.length]!
    gate.until = enough + 20
    await load.until('they were answered', () => answered() >= enough)
    await (kill % 2 === 0 ? killService(api!) : loseWorker(t))
  }
  const enough = answered() + 30
  gate.until = Number.POSITIVE_INFINITY
  await load.until('they were answered after the last kill', () => answered() >= enough)
  await load.stop()

  const found = await inTurns(asked.flat(), (each) => findOperation(each))
  assert.equal(found.length, answered(), 'whatever was answered is there')
  await untilNothingWaits()
  for (const ofWallet of asked) {
    const operations = await inTurns(ofWallet, (each) => findOperation(each))
    const statuses = operations.map(({ outcome }) => outcome.status)
    assert.deepEqual(
      statuses,
      ofWallet.map((_, at) => [201, 201, 409][at % 3]),
    )
    const seqs = operations.filter(({ status }) => status === 'succeeded').map(({ outcome }) => outcome.body.seq)
    assert.deepEqual(
      seqs,
      seqs.map((_, at) => at + 1),
    )
    await inTurns(ofWallet, async ({ ask }) => {
      const [operation, again] = [operations[ofWallet.findIndex((each) => each.ask === ask)]!, await api!.send(ask)]
      assert.equal(again.headers['idempotent-replayed'], 'true')
      assert.equal(again.status, operation.outcome.status)
      if (again.status === 201) assert.deepEqual(again.body, operation.outcome.body)
    })
  }
  await assertAllThere()
  await assertSound(house)
})

test('one key, at once and for later, has one effect and one outcome though whoever carries out is killed between', async (t) => {
  const { walletIds } = await openProgramme(api!, { wallets: 4, points: 1_000_000 })
  const rounds = isLong ? 1_000 : 60
  const kills = isLong ? 20 : 2
  const before = await countTransfers()
  const gate = { until: 0 }
  const pairs: { key: string; heard: Settled[] }[] = []
  const askOf = (key: string, later: boolean) => {
    const wallet = walletIds[Number(key.split('-')[1]) % walletIds.length]
    return { path: `/v1/wallets/${wallet}/spends`, body: { amount: 7 }, key, later }
  }
  const crowd = openCrowd(t, {
    count: 8,
    turn: async (caller, turn) => {
      await until('more is wanted', () => pairs.length < gate.until, { timeoutMs: 120_000 })
      const key = `both-${caller}-${turn}`
      const both = [true, false].map((later) => () => settle(api!, askOf(key, later)))
      const inOrder = turn % 2 === 0 ? both : both.toReversed()
      // At the same moment, or the second when the first was answered.
      const heard =
        turn % 4 < 2 ? await Promise.all(inOrder.map((ask) => ask())) : [await inOrder[0]!(), await inOrder[1]!()]
      pairs.push({ key, heard })
    },
  })
  for (let kill = 1; kill <= kills; kill += 1) {
    const enough = (kill * rounds) / (kills + 1)
    gate.until = enough + 10
    await crowd.until('they were answered', () => pairs.length >= enough)
    await loseWorker(t)
  }
  gate.until = Number.POSITIVE_INFINITY
  await crowd.until('all were answered', () => pairs.length >= rounds)
  await crowd.stop()
  await untilNothingWaits()

  assert.equal((await countTransfers()) - before, pairs.length)
  const takenOn = pairs.filter(({ heard }) => heard.some(({ status }) => status === 202))
  assert.notEqual(takenOn.length, 0)
  await inTurns(pairs, async ({ key, heard }) => {
    const again = await api!.send(askOf(key, false))
    assert.deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true'], again.text)
    for (const each of heard) {
      if (each.status === 201) assert.deepEqual(each.body, again.body)
      else assert.deepEqual((await findOperation(each)).outcome.body, again.body)
    }
  })
  await assertSound(house)
})

test('whoever carries out is away while more is taken on than it carries out: within a minute of its being back nothing waits, and each is tried once', async (t) => {
  const { walletIds } = await openProgramme(api!, { wallets: 4, points: 1_000_000 })
  const { companyId, walletIds: told } = await openProgramme(api!, { wallets: 1, points: 1_000_000 })
  const receiver = await openReceiver(t)
  const endpoint = { url: `${receiver.url}/told`, types: ['points.spent'] }
  const made = await api!.send({ path: `/v1/companies/${companyId}/webhook-endpoints`, body: endpoint })
  assert.equal(made.status, 201, made.text)
  await Promise.all(workers.map((worker) => worker.kill()))
  const taken: Settled[][] = Array.from({ length: 32 }, () => [])
  const people: string[] = []
  const load = openCrowd(t, {
    count: taken.length,
    // The first is of the company that is told, and of who signs up.
    turn: async (caller, turn) => {
      const path = `/v1/wallets/${caller === 0 ? told[0] : walletIds[caller % walletIds.length]}/spends`
      taken[caller]!.push(await settle(api!, { path, body: { amount: 1 }, key: `away-${caller}-${turn}`, later: true }))
      if (caller === 0 && turn % 100 === 0) await signUp(people, `away-${caller}-${turn}`)
    },
  })
  const endsAt = performance.now() + (isLong ? 30_000 : 500)
  const isLongEnough = () => performance.now() > endsAt && taken.every(({ length }) => length > 5)
  await load.until('it was away for long', isLongEnough)
  await load.stop()
  assert.equal(await countOf('platform.operation where completed_at is null'), taken.flat().length)
  const backAt = performance.now()
  await workers[0]!.start()
  await untilNothingWaits()
  const carriedMs = performance.now() - backAt
  await until('all was told', () => receiver.received.length >= taken[0]!.length, { timeoutMs: 120_000 })
  await until('all mails were sent', async () => (await countOf('platform.mail')) === people.length)
  await until('no job is left', async () => (await countOf('graphile_worker._private_jobs where key is null')) === 0)
  const drainedMs = performance.now() - backAt
  t.diagnostic(
    `${taken.flat().length} were carried out ${Math.round(carriedMs)} ms after somebody was back, and ` +
      `${receiver.received.length} told of after ${Math.round(drainedMs)} ms`,
  )
  assert.ok(drainedMs < 60_000)
  const events = new Set(receiver.received.map(({ event }) => event.id))
  assert.deepEqual([events.size, receiver.received.length], [taken[0]!.length, events.size], 'each was told once')
  assert.equal(await countOf('webhooks.delivery where attempts <> 1'), 0)
  await assertSound(house)
})

async function signUp(people: string[], name: string): Promise<void> {
  const body = { email: `${name}@example.com`, password: '보라색 포도 다섯 송이', nickname: name }
  const { status, text } = await api!.send({ path: '/v1/accounts', body, credential: null })
  assert.equal(status, 201, text)
  people.push(name)
}

async function countOf(what: string): Promise<number> {
  return (await ownerSql.rows<{ count: number }>(`select count(*)::int as count from ${what}`))[0]!.count
}

/** Accepted is done, refused or waiting; and what is done, and nothing else, is in the journal, at every moment. */
async function assertAllThere(): Promise<void> {
  const [sum] = await ownerSql.rows<Record<'accepted' | 'done' | 'refused' | 'waiting' | 'booked' | 'keys', number>>(
    `select count(*)::int as accepted,
       count(*) filter (where status < 400)::int as done,
       count(*) filter (where status >= 400)::int as refused,
       count(*) filter (where completed_at is null)::int as waiting,
       (select count(*)::int from ledger.transfer) as booked,
       (select count(*)::int from platform.idempotency_key k join platform.operation o on o.digest = k.digest) as keys
     from platform.operation`,
  )
  const { accepted, done, refused, waiting, booked, keys } = sum!
  assert.deepEqual([done + refused + waiting, booked, keys], [accepted, done, done + refused])
}

async function killService(service: Service): Promise<void> {
  await service.kill()
  await service.start()
}

let losses = 0

/** Kills whoever carries out, or stops it for longer than it may be silent; another goes on with it. */
async function loseWorker(t: TestContext): Promise<void> {
  const lost = await until('somebody carried out', async () => {
    const pid = await findHolder()
    return workers.find((worker) => worker.pid() === pid)
  })
  const pid = lost.pid()
  const isStopped = losses % 2 === 1
  losses += 1
  if (isStopped) lost.signal('SIGSTOP')
  else await lost.kill()
  t.after(() => lost.signal('SIGCONT'))
  // What waiting for longer than a lease does; whoever was stopped amid a write holds the row until it is cut off.
  if (!isLong) await until('its lease can end', () => endLease(pid!))
  await until('another carried out', async () => (await findHolder()) !== pid)
  if (isStopped) lost.signal('SIGCONT')
  else await lost.start()
}

/** Whether it could be done: not while the row is locked. */
async function endLease(pid: number): Promise<boolean> {
  const end = `update platform.lease set expires_at = 'epoch'
    where name = 'operations' and split_part(holder, ' ', 2) = $1`
  try {
    await ownerSql.run(end, [String(pid)])
    return true
  } catch (error) {
    if ((error as { code?: string }).code === '55P03') return false
    throw error
  }
}

async function findHolder(): Promise<number | undefined> {
  const rows = await ownerSql.rows<{ pid: number }>(
    `select split_part(holder, ' ', 2)::int as pid from platform.lease where name = 'operations'`,
  )
  return rows[0]?.pid
}

/** The operation that was answered with 202; what was answered otherwise had been carried out before. */
async function findOperation({ ask, status, body }: Settled): Promise<Body> {
  const path = status === 202 ? `/v1/operations/${body.id}` : null
  if (path === null) {
    const again = await api!.send(ask)
    return { status: again.status < 400 ? 'succeeded' : 'failed', outcome: { status: again.status, body: again.body } }
  }
  const found = await api!.send({ method: 'GET', path })
  assert.equal(found.status, 200, found.text)
  return found.body
}

async function untilNothingWaits(): Promise<void> {
  const waiting = () => ownerSql.rows('select from platform.operation where completed_at is null limit 1')
  await until('nothing waits', async () => (await waiting()).length === 0, { timeoutMs: 120_000 })
}

async function countTransfers(): Promise<number> {
  return (await ownerSql.rows<{ count: number }>('select count(*)::int as count from ledger.transfer'))[0]!.count
}

/** A few at a time, in their order: the machine has others to serve. */
async function inTurns<Item, Result>(items: readonly Item[], run: (item: Item) => Promise<Result>): Promise<Result[]> {
  const left = items.entries()
  const results: Result[] = []
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const [at, item] of left) results[at] = await run(item)
    }),
  )
  return results
}
