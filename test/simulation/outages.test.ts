import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { Admin, ConfigResourceTypes } from '@platformatic/kafka'
import { openDatabase } from '#platform/database'
import { fromPublicId } from '#platform/ids'
import { commandTopicOf } from '#platform/kafka/command-topic'
import { withoutKafka } from '#test/engines/installed'
import { openKafka } from '#test/engines/kafka'
import { freshServer, openHouse, until } from '#test/harness'
import type { Body } from '../api-house.ts'
import { openCrowd, type Settled, settle } from './caller.ts'
import { inReverse } from './killable-house.ts'
import { openProgramme } from './programme.ts'
import { startService } from './service.ts'
import { assertSound } from './soundness.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const outageMs = isLong ? 30_000 : 3_000
/** How long after an outage what was taken on may wait. */
const drainMsMax = 60_000
/** A second to find out who asks, some of another to look for the key, and what a loaded machine adds. */
const answerMsMax = 4_000
const points = 1_000_000_000

const skip = withoutKafka()
const within = inReverse({ after })
const kafka = skip ? null! : await openKafka(within, { brokers: 3 })
const server = skip ? null! : await freshServer(within, { restartPausesMs: [outageMs, outageMs, outageMs] })
const house = skip ? null! : await openHouse(within, { adminUrl: server.adminUrl })
const prefix = 'outages.'
const settings = { KAFKA_BROKERS: kafka?.addresses.join(), KAFKA_TOPIC_PREFIX: prefix, KAFKA_PARTITIONS: '1' }
const service = skip ? null! : await startService(house, { settings })
const topic = commandTopicOf({ prefix })

test('of itself Podo makes a topic for requests that loses none of them, whichever broker dies', {
  skip,
}, async (t) => {
  const admin = openAdmin(t)
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
  assert.deepEqual(
    topics.get(topic)!.partitions.map(({ replicas }) => replicas.length),
    [3],
  )
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: null }
  const [found] = await admin.describeConfigs({
    resources: [resource],
    includeSynonyms: false,
    includeDocumentation: false,
  })
  const configOf = (name: string) => found!.configs.find((config) => config.name === name)?.value
  assert.deepEqual(['retention.ms', 'min.insync.replicas', 'unclean.leader.election.enable'].map(configOf), [
    '-1',
    '2',
    'false',
  ])
})

test('PostgreSQL is away under load: requests go on being taken on, and each is applied once and in order', {
  skip,
}, async (t) => {
  const load = await startLoad(t)
  await load.answered(20)
  process.kill(server.pid(), 'SIGKILL')
  await until('it was away', () => server.postgres.problem())
  const taken = load.count()
  await load.answered(20)
  assert.ok(server.postgres.problem(), 'all this while it was away')
  await load.crowd.until('it was back', () => server.postgres.problem() === null)
  await load.drained()
  t.diagnostic(`${load.count() - taken} were taken on while PostgreSQL was away`)
  await load.answered(20)
  await load.assertAppliedOnce()
})

test('PostgreSQL hangs under load: requests go on being taken on, none waits for long, and each is applied', {
  skip,
}, async (t) => {
  const load = await startLoad(t)
  await load.answered(20)
  const goOn = await hang(t)
  const endsAt = performance.now() + outageMs
  await load.answered(20)
  await load.crowd.until('it had hung for long enough', () => performance.now() > endsAt)
  t.diagnostic(`the slowest answer took ${Math.round(load.slowestMs())} ms`)
  assert.ok(load.slowestMs() < answerMsMax, `an answer took ${load.slowestMs()} ms`)
  assert.equal(load.inVain(), 0)
  goOn()
  await load.drained()
  await load.answered(20)
  await load.assertAppliedOnce()
})

test('the broker that leads the topic is killed under load: nothing that was acknowledged is lost', {
  skip,
}, async (t) => {
  const admin = openAdmin(t)
  const load = await startLoad(t)
  for (let kill = 0; kill < (isLong ? 6 : 1); kill += 1) {
    await load.answered(20)
    const leader = await findLeader(admin)
    const broker = kafka.brokers.find(({ id }) => id === leader)!
    await broker.kill()
    await load.answered(20)
    await broker.start()
    await until('all had what the others have', async () => (await partitionOf(admin)).isr.length === 3, {
      timeoutMs: 60_000,
    })
  }
  await load.assertAppliedOnce()
})

let loads = 0

/** A company's key and the operator spend later, one after the other and each from a wallet of its own. */
async function startLoad(t: TestContext) {
  loads += 1
  const name = `load-${loads}`
  const { companyId, walletIds } = await openProgramme(service, { wallets: 4, points })
  const body = { name: 'A key', scopes: ['points', 'read'] }
  const { secret: credential } = (await service.send({ path: `/v1/companies/${companyId}/api-keys`, body })).body
  const asked: Settled[][] = walletIds.map(() => [])
  const count = () => asked.flat().length
  let slowestMs = 0
  let since: number[] = []
  const crowd = openCrowd(t, {
    count: walletIds.length,
    turn: async (caller, turn) => {
      const path = `/v1/wallets/${walletIds[caller]}/spends`
      const key = `${name}-${caller}-${turn}`
      since[caller] = performance.now()
      const onHeard = () => {
        slowestMs = Math.max(slowestMs, performance.now() - since[caller]!)
        since[caller] = performance.now()
      }
      const ask = { path, body: { amount: turn + 1 }, key, later: true, ...(caller === 0 ? {} : { credential }) }
      asked[caller]!.push(await settle(service, ask, { onHeard }))
    },
  })
  // The operator sees what all have asked for.
  const get = async (path: string): Promise<Body> => (await service.send({ method: 'GET', path })).body
  return {
    crowd,
    count,
    slowestMs: () => slowestMs,
    /** Times that somebody was told to come again. */
    inVain: () => asked.flat().reduce((sum, { inVain }) => sum + inVain, 0),
    /** Waits until everybody was answered so many times more. */
    async answered(times: number) {
      const enough = asked.map(({ length }) => length + times)
      await crowd.until('everybody was answered', () => asked.every(({ length }, at) => length >= enough[at]!))
    },
    /** All that was taken on so far is carried out, in a minute, though more is taken on all the while. */
    async drained() {
      const ids = asked.flat().flatMap(({ status, body }) => (status === 202 ? [fromPublicId('opr', body.id)] : []))
      const done = () =>
        house.ownerSql
          .rows('select from platform.operation where id = any($1) and completed_at is not null', [ids])
          .then(({ length }) => length === ids.length)
          // Connections from before the outage are noticed to be broken one by one.
          .catch(() => false)
      await until('all that was taken on was carried out', done, { timeoutMs: drainMsMax })
    },
    async assertAppliedOnce() {
      since = []
      await crowd.stop()
      for (const [at, ofWallet] of asked.entries()) {
        const seqs: number[] = []
        for (const { status, body, ask } of ofWallet) {
          assert.ok(status === 202 || status === 201, `${status}`)
          const operation = await until(
            'it was carried out',
            async () => {
              const found = status === 202 ? await get(`/v1/operations/${body.id}`) : { outcome: { body } }
              assert.notEqual(found.status, 'failed', JSON.stringify(found))
              return found.outcome && found
            },
            { timeoutMs: 120_000 },
          )
          assert.equal(operation.outcome.body.amount, (ask.body as { amount: number }).amount)
          seqs.push(operation.outcome.body.seq)
        }
        // The first of its statement is the charge.
        assert.deepEqual(
          seqs,
          seqs.map((_, place) => place + 2),
        )
        const spent = ofWallet.reduce((sum, _, turn) => sum + turn + 1, 0)
        assert.equal((await get(`/v1/wallets/${walletIds[at]}`)).balance, points - spent)
      }
      await assertSound(house)
    },
  }
}

/** Stops every process of PostgreSQL: it neither answers nor refuses. Answers what lets it go on. */
async function hang(t: TestContext): Promise<() => void> {
  const admin = openDatabase({ url: server.adminUrl, poolSize: 1 })
  // Connected before: the first process, stopped first, lets nobody in.
  await admin.sql.rows('select')
  process.kill(server.pid(), 'SIGSTOP')
  const rows = await admin.sql.rows<{ pid: number }>('select pid from pg_stat_activity')
  const pids = [server.pid(), ...rows.map(({ pid }) => pid)]
  const tell = (signal: NodeJS.Signals) => {
    for (const pid of pids) process.kill(pid, signal)
  }
  tell('SIGSTOP')
  const goOn = () => {
    tell('SIGCONT')
    pids.length = 0
  }
  t.after(async () => {
    goOn()
    await admin.close()
  })
  return goOn
}

function openAdmin(t: TestContext): Admin {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka.addresses] })
  t.after(() => admin.close())
  return admin
}

async function partitionOf(admin: Admin) {
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
  return topics.get(topic)!.partitions[0]!
}

async function findLeader(admin: Admin): Promise<number> {
  return (await partitionOf(admin)).leader
}
