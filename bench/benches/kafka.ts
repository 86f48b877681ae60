import { Consumer, type Message, Producer } from '@platformatic/kafka'
import { openDatabase } from '#platform/database'
import { openEnvelopes } from '#platform/events/cloud-events'
import { usualPatience } from '#platform/events/delivery'
import { outbox } from '#platform/events/events'
import { keepEventsNumbered } from '#platform/events/relay'
import { newId, toPublicId } from '#platform/ids'
import { hearByKafka } from '#platform/kafka/hearing'
import { openNotices } from '#platform/kafka/notices'
import { makeTopics, openAdmin } from '#platform/kafka/topics'
import { openLog } from '#platform/log'
import { openMetrics } from '#platform/metrics'
import { system, workOver } from '#platform/work'
import type { Brokers } from '#sandbox/kafka/brokers'
import { openKafka } from '#test/engines/kafka'
import type { Bench, Measure } from '../bench.ts'
import { batchSize, note, said, saidSeed, timeAll } from '../events.ts'
import { alternate } from '../rounds.ts'
import type { Stage } from '../stage.ts'

const partitions = 6
const envelopes = openEnvelopes({ kinds: [said], source: 'podo', origin: 'http://127.0.0.1:8080' })
let topicsMade = 0

export const kafka: Bench = {
  name: 'kafka',
  compares: 'events through Kafka, from outbox to handler ÷ a bare producer and consumer, an inbox row for each',
  must: 0.4,
  goal: 0.7,
  async run(stage) {
    const endings: (() => Promise<void> | void)[] = []
    try {
      const brokers = await openKafka({ after: (end) => void endings.push(end) })
      const sides = await alternate(stage, {
        'through Kafka': () => measureOurs(stage, brokers),
        'bare producer and consumer': () => measureBare(stage, brokers),
      })
      return {
        ratio: sides['through Kafka'].rate / sides['bare producer and consumer'].rate,
        sides,
        figures: [],
        musts: [],
      }
    } finally {
      for (const end of endings) await end()
    }
  },
}

/** A Kafka as the service is told of it, with topics of its own. */
function settingsFor({ addresses }: Brokers) {
  topicsMade += 1
  const client = { bootstrapBrokers: [...addresses] } as Parameters<typeof openAdmin>[0]['client']
  return { client, prefix: `bench${topicsMade}.`, partitions, replication: null }
}

function measureOurs(stage: Stage, brokers: Brokers): Promise<Measure> {
  return stage.withGround(saidSeed(stage), async (ground) => {
    const database = openDatabase({ url: ground.url, poolSize: 6 })
    let heard = 0
    const hearing = {
      reads: database,
      withWork: workOver(database),
      sources: [outbox],
      subscribers: [
        {
          name: 'bench',
          types: [said.type],
          async handle(_: unknown, events: readonly unknown[]) {
            heard += events.length
          },
        },
      ],
      patience: usualPatience,
      onFailure: (_: string, { error }: { error: unknown }) => console.error(error),
      onError: console.error,
    }
    const told = { log: openLog({ level: 'silent' }), metrics: openMetrics({ withProcess: false }) }
    const by = { kafka: settingsFor(brokers), envelopes, types: [said.type], notices: openNotices(told) }
    const hearingIt = hearByKafka(hearing, by)
    const numbering = keepEventsNumbered({ ...hearing, onNumbered: hearingIt.wake })
    const measure = await timeAll(stage, { events: saidSeed(stage).events, done: () => heard })
    await Promise.all([numbering.close(), hearingIt.close()])
    await database.close()
    return measure
  })
}

/** Sends batches, one after the other, of messages like ours, and takes them in: an inbox row for each, then its commit. */
function measureBare(stage: Stage, brokers: Brokers): Promise<Measure> {
  return stage.withGround(saidSeed(stage), async (ground) => {
    const settings = settingsFor(brokers)
    const topic = `${settings.prefix}bench`
    const admin = openAdmin(settings)
    await makeTopics(admin, { ...settings, topics: [topic] })
    await admin.close()
    const database = openDatabase({ url: ground.url, poolSize: 6 })
    const withWork = workOver(database)
    const state = { taken: 0, isOver: false }
    const producer = new Producer({ ...settings.client, clientId: 'bare', idempotent: true, acks: -1, maxInflights: 1 })
    const producing = (async () => {
      for (let sent = 0; sent < saidSeed(stage).events; sent += batchSize)
        await producer.send({ messages: Array.from({ length: batchSize }, () => toMessage(topic)) })
    })()
    const consumer = new Consumer({
      ...settings.client,
      clientId: 'bare',
      groupId: topic,
      maxWaitTime: 250,
      maxBytes: 1 << 20,
      highWaterMark: 1_024,
    })
    const stream = await consumer.consume({
      topics: [topic],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
    })
    const consuming = (async () => {
      const messages = stream[Symbol.asyncIterator]()
      for (;;) {
        const batch: Message<Buffer, Buffer, Buffer, Buffer>[] = []
        do {
          const next = await messages.next()
          if (next.done) return
          batch.push(next.value)
        } while (batch.length < batchSize && stream.readableLength > 0)
        const ids = batch.map(({ value }) => JSON.parse(value.toString()).uuid)
        await withWork(system, async (work) =>
          work.sql.send(`insert into platform.inbox (subscription, event_id) select 'bare', unnest($1::uuid[])`, [ids]),
        )
        const last = new Map(batch.map((message) => [message.partition, message]))
        await consumer.commit({
          offsets: [...last.values()].map(({ partition, offset, leaderEpoch }) => ({
            topic,
            partition,
            offset: offset + 1n,
            leaderEpoch,
          })),
        })
        state.taken += batch.length
      }
    })()
    const measure = await timeAll(stage, { events: saidSeed(stage).events, done: () => state.taken })
    state.isOver = true
    await producing
    await producer.close()
    await stream.close()
    await consuming
    await consumer.close(true)
    await database.close()
    return measure
  })
}

function toMessage(topic: string) {
  const [uuid, key] = [newId(), toPublicId('mem', newId())]
  const event = envelopes.wrap({
    id: uuid,
    number: 1,
    type: said.type,
    key: uuid,
    at: new Date(),
    data: { at: 0, note },
  })
  return { topic, key: Buffer.from(key), value: Buffer.from(JSON.stringify({ ...event, uuid })) }
}
