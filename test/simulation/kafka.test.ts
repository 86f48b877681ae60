import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { openDatabase } from '#platform/database'
import { newId } from '#platform/ids'
import { withoutKafka } from '#test/engines/installed'
import { openKafka } from '#test/engines/kafka'
import { until } from '#test/harness'
import { type KafkaHouse, openKafkaHouse } from '#test/kafka-house'
import { openCrowd } from './caller.ts'
import { openProgramme } from './programme.ts'
import { startService } from './service.ts'

const skip = withoutKafka()
const isLong = process.env.PODO_TEST_LONG === '1'
const kafka = skip ? null! : await openKafka({ after })
const [broker] = skip ? [] : kafka.brokers
const writers = 4

test('a broker that is killed and comes back under load loses nothing, and nothing is heard twice', {
  skip,
}, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  let hearing = await house.hear()
  const talk = openTalk(t, house)
  for (let kill = 0; kill < (isLong ? 5 : 1); kill += 1) {
    await talk.untilHeardMore(200)
    await broker!.kill()
    await talk.untilSaidMore(200)
    await until('the outage was told', () => house.lines.some((line) => line.includes('Kafka does not carry events')))
    // It ends though it sends, and another begins though nobody answers.
    const since = performance.now()
    await hearing.close()
    assert.ok(performance.now() - since < 15_000, `closed after ${performance.now() - since} ms`)
    t.diagnostic(`closed after ${Math.round(performance.now() - since)} ms`)
    hearing = await house.hear()
    await broker!.start()
    await talk.untilHeardMore(200)
  }
  await talk.assertHeardOnce()
})

test('members come and go under load, and nothing is lost or heard twice', { skip }, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const first = await house.hear()
  const talk = openTalk(t, house)
  for (let round = 0; round < (isLong ? 15 : 2); round += 1) {
    await untilMembers(house, 1)
    await talk.untilHeardMore(100)
    const joined = await house.hear(house.second())
    await untilMembers(house, 2)
    await talk.untilHeardMore(100)
    await joined.close()
  }
  await talk.untilHeardMore(100)
  await talk.assertHeardOnce()
  await first.close()
})

test('a member that is killed, or stopped for too long, in the middle of a batch is not waited for', {
  skip,
}, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  const other = await startProcess(house)
  await untilMembers(house, 1)
  const talk = openTalk(t, house)
  await talk.untilHeardMore(200)
  for (let round = 0; round < (isLong ? 10 : 1); round += 1)
    for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
      const hearing = await house.hear(house.second())
      await untilMembers(house, 2)
      await inTheMiddle(house, () => other.signal(signal))
      await talk.untilHeardMore(200)
      await untilMembers(house, 1)
      if (signal === 'SIGSTOP') other.signal('SIGCONT')
      else await other.start()
      await untilMembers(house, 2)
      await talk.untilHeardMore(200)
      await hearing.close()
      await untilMembers(house, 1)
    }
  await talk.assertHeardOnce()
})

test('the service spends while Kafka is away, and the topic tells of it afterwards', { skip }, async (t) => {
  const house = await openKafkaHouse(t, kafka)
  await broker!.kill()
  const settings = {
    KAFKA_BROKERS: kafka.addresses.join(),
    KAFKA_TOPIC_PREFIX: house.settings.prefix,
    KAFKA_COMMANDS: 'at-risk',
  }
  const service = await startService(house, { settings })
  const { walletIds } = await openProgramme(service, { wallets: 1, points: 1_000 })
  const key = newId()
  const spent = await service.send({
    path: `/v1/wallets/${walletIds[0]}/spends`,
    body: { amount: 300 },
    key,
  })
  assert.equal(spent.status, 201, spent.text)
  assert.equal((await service.send({ method: 'GET', path: '/health/ready' })).status, 200)
  await broker!.start()
  const topic = `${house.settings.prefix}points`
  const types = async () => {
    const isThere = (await house.admin((admin) => admin.listTopics())).includes(topic)
    return isThere ? (await house.read(topic)).map(({ value }) => JSON.parse(value).type) : []
  }
  await until('both were told', async () => (await types()).length >= 2)
  assert.deepEqual(await types(), ['points.charged', 'points.spent'])
})

const isForThree = isLong || process.env.PODO_TEST_ENGINES === 'all'
const withoutThree = skip || (!isForThree && 'Three brokers run with PODO_TEST_ENGINES=all, and by npm run test:long')

test('of three brokers the leader is killed under load: sends go on, and nothing is lost', {
  skip: withoutThree,
}, async (t) => {
  const three = await openKafka(t, { brokers: 3 })
  const house = await openKafkaHouse(t, three, { replication: 3 })
  await Promise.all([house.hear(), house.hear(house.second())])
  const talk = openTalk(t, house)
  for (let kill = 0; kill < (isLong ? 3 : 1); kill += 1) {
    await talk.untilHeardMore(200)
    const { topics } = await house.admin((admin) => admin.metadata({ topics: [house.topic] }))
    const { leader } = topics.get(house.topic)!.partitions[0]!
    const killed = three.brokers.find(({ id }) => id === leader)!
    await killed.kill()
    await talk.untilHeardMore(400)
    await killed.start()
    await untilInSync(house)
  }
  await talk.assertHeardOnce()
  const { topics } = await house.admin((admin) => admin.metadata({ topics: [house.topic] }))
  assert.ok(topics.get(house.topic)!.partitions.every(({ replicas }) => replicas.length === 3))
})

/** Four say things of twenty keys, turn after turn. */
function openTalk(t: TestContext, house: KafkaHouse) {
  const keys = Array.from({ length: 20 }, newId)
  const said = new Map<string, number>(keys.map((key) => [key, 0]))
  const count = () => [...said.values()].reduce((sum, each) => sum + each, 0)
  // A key is one writer's at a time, so that what it says has an order.
  const busy = new Set<string>()
  const crowd = openCrowd(t, {
    count: writers,
    turn: async () => {
      const key = keys.find((each) => !busy.has(each))!
      busy.add(key)
      keys.push(...keys.splice(keys.indexOf(key), 1))
      const at = said.get(key)!
      await house.say(key, at, at + 1)
      said.set(key, at + 2)
      busy.delete(key)
      await house.database.sql.run('select pg_sleep(0.02)')
    },
  })
  return {
    async untilHeardMore(more: number) {
      await house.untilHeard((await house.countHeard()) + more, { timeoutMs: 60_000 })
    },
    async untilSaidMore(more: number) {
      const goal = count() + more
      await crowd.until('so much more was said', () => count() >= goal)
    },
    async assertHeardOnce() {
      await crowd.stop()
      await house.untilHeard(count(), { timeoutMs: 60_000 })
      for (const [key, said_] of said) {
        assert.deepEqual(
          await house.heard(key),
          Array.from({ length: said_ }, (_, at) => String(at)),
        )
      }
      const letters = await house.ownerSql.rows('select from platform.dead_letter')
      assert.equal(letters.length, 0)
    },
  }
}

function untilMembers(house: KafkaHouse, count: number): Promise<unknown> {
  return house.admin((admin) => {
    const hasSo = async () => {
      const group = (await admin.describeGroups({ groups: [house.group] })).get(house.group)
      return group?.state.toLowerCase() === 'stable' && group.members.size === count
    }
    return until(`the group had ${count} members`, hasSo, { timeoutMs: 60_000 })
  })
}

/** Each broker has what the others have: one of them may die. */
function untilInSync({ admin, topic }: KafkaHouse): Promise<unknown> {
  return admin((client) => {
    const isInSync = async () => {
      const { topics } = await client.metadata({ topics: [topic], forceUpdate: true })
      return topics.get(topic)!.partitions.every(({ isr }) => isr.length === 3)
    }
    return until('all brokers were in sync', isInSync, { timeoutMs: 60_000 })
  })
}

/** Does something while the process has begun a batch and cannot end it. */
async function inTheMiddle({ ownerUrl }: KafkaHouse, run: () => void): Promise<void> {
  const owner = openDatabase({ url: ownerUrl, poolSize: 1 })
  const blocked = `select from pg_stat_activity
    where application_name = 'kafka process' and wait_event_type = 'Lock' and datname = current_database()`
  await owner.transaction(async (sql) => {
    await sql.run('lock table heard in share mode')
    await until('the process was in the middle of a batch', async () => (await sql.rows(blocked)).length > 0)
    run()
  })
  await owner.close()
}

interface ListeningProcess {
  start(): Promise<void>
  signal(signal: NodeJS.Signals): void
}

async function startProcess(house: KafkaHouse): Promise<ListeningProcess> {
  let child: ChildProcess
  const start = async () => {
    child = fork(join(import.meta.dirname, 'kafka-process.ts'), {
      env: {
        DATABASE_URL: house.serviceUrl,
        KAFKA: JSON.stringify(house.settings),
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      },
      execArgv: [],
    })
    child.on('message', (line: string) => house.lines.push(line))
  }
  await start()
  house.onClose(async () => {
    const ended = once(child, 'close')
    if (child.kill('SIGKILL')) await ended
  })
  return { start, signal: (signal) => void child.kill(signal) }
}
