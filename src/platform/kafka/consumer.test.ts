import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { Admin, type Message, Producer } from '@platformatic/kafka'
import { withoutKafka } from '#test/engines/installed'
import { openKafka } from '#test/engines/kafka'
import { openHouse, until } from '#test/harness'
import { newId } from '../ids.ts'
import { keepConsuming } from './consumer.ts'

const skip = withoutKafka()
const isLong = process.env.PODO_TEST_LONG === '1'
const kafka = skip ? null! : await openKafka({ after })
const partitions = 6
const perPartition = isLong ? 50_000 : 5_000
const batchMax = 500

it('members that come, go and freeze take in each message in its order, and few of them again', { skip }, async (t) => {
  const { database } = await openHouse(t)
  // Now and then one takes so long that the group goes through a rebalance or two meanwhile.
  const pause = () => database.sql.run('select pg_sleep(case when random() < 0.1 then 0.8 else 0.005 end)')
  const group = await openGroup({ pause })
  const members = [group.join(), group.join()]
  const rounds = isLong ? 10 : 4
  for (let round = 1; round <= rounds; round += 1) {
    const share = (done: number) => Math.floor(((round - 1 + done) / rounds) * 0.8 * partitions * perPartition)
    await group.untilTaken(share(0.25))
    members.push(group.join())
    await group.untilTaken(share(0.5))
    const guest = group.join()
    await group.untilTaken(share(0.6))
    await guest.close()
    if (round === rounds) freeze(1_500)
    await group.untilTaken(share(0.75))
    await members.shift()!.close()
    await group.untilTaken(share(1))
  }
  await group.untilTaken(partitions * perPartition)
  await Promise.all(members.map((member) => member.close()))
  t.diagnostic(`${group.again()} again`)
  // What each member had under way at each change.
  assert.ok(group.again() <= 3 * rounds * 3 * batchMax, `${group.again()} came again`)
})

/** As a process that is stopped: no heartbeat, no timer, nothing. */
function freeze(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** A group on a topic of its own that is full of messages; what it takes in has to follow what it took before. */
async function openGroup({ pause }: { pause: () => Promise<unknown> }) {
  const client = { clientId: 'test', bootstrapBrokers: [...kafka.addresses] }
  const topic = newId()
  const admin = new Admin(client)
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  await admin.close()
  const producer = new Producer<Buffer, Buffer>(client)
  for (let at = 0; at < perPartition; at += batchMax) {
    const messages = Array.from({ length: partitions * batchMax }, (_, each) => ({
      topic,
      partition: each % partitions,
      value: Buffer.alloc(200),
    }))
    await producer.send({ messages })
  }
  await producer.close()
  const next = Array.from({ length: partitions }, () => 0n)
  let [taken, again] = [0, 0]
  const take = ({ partition, offset }: Message) => {
    const expected = next[partition]!
    assert.ok(offset <= expected, `${offset} came in ${partition} instead of ${expected}`)
    if (offset < expected) again += 1
    else {
      next[partition] = expected + 1n
      taken += 1
    }
  }
  return {
    join: () =>
      keepConsuming({
        kafka: { client, prefix: '', partitions, replication: null },
        groupId: topic,
        topics: [topic],
        sessionMs: 1_000,
        async handle(messages) {
          messages.forEach(take)
          await pause()
        },
        onRestart: (error) => console.error(error),
        onMissing: (gaps) => assert.fail(JSON.stringify(gaps)),
      }),
    untilTaken: (count: number) => until(`${count} were taken in`, () => taken >= count, { timeoutMs: 60_000 }),
    again: () => again,
  }
}
