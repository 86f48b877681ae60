import { randomBytes } from 'node:crypto'
import { Admin, Consumer, type Message, Producer } from '@platformatic/kafka'
import type { Sql } from '#platform/database'
import { openEnvelopes } from '#platform/events/cloud-events'
import type { Patience, Subscriber } from '#platform/events/delivery'
import { emit, outbox } from '#platform/events/events'
import { type Hearing, hearLocally, keepEventsNumbered } from '#platform/events/relay'
import { newId } from '#platform/ids'
import type { KafkaSettings } from '#platform/kafka/connection'
import { type ByKafka, groupOf, hearByKafka } from '#platform/kafka/hearing'
import { openNotices } from '#platform/kafka/notices'
import { openLog } from '#platform/log'
import { type Metrics, openMetrics } from '#platform/metrics'
import { system } from '#platform/work'
import type { Brokers } from '#sandbox/kafka/brokers'
import { type House, openHouse, type Process, type Scope, until } from './harness.ts'
import { testEvents } from './test-events.ts'

/** The topic of what is said in tests, under a prefix. */
export const topicIn = (prefix: string) => `${prefix}test`

const kinds = Object.values(testEvents)
/** In which events travel in tests. */
export const envelopes = openEnvelopes({ kinds, source: 'podo', origin: 'http://127.0.0.1' })

/** Writes down what it hears; what is said to be bad it cannot bear. */
export const listener: Subscriber = {
  name: 'listener',
  types: [testEvents.said.type],
  async handle(work, events) {
    // Awaited, so that the commit is not under way before it.
    await work.sql.run('insert into heard select * from unnest($1::bigint[], $2::uuid[], $3::text[])', [
      events.map(({ number }) => number),
      events.map(({ key }) => key),
      events.map(({ data }) => data.said),
    ])
    const bad = events.find(({ data }) => String(data.said).endsWith('bad'))
    if (bad) throw new Error(`cannot bear ${bad.data.said}`)
  },
}

const atOnce: Patience = { attemptsMax: 5, delayMs: () => 0 }

function hearingIn({ database, withWork }: Process, onLine: (line: string) => void): Hearing {
  return {
    reads: database,
    withWork,
    sources: [outbox],
    subscribers: [listener],
    patience: atOnce,
    onFailure: () => {},
    onError: (error) => onLine(String(error)),
  }
}

/** A process that listens without a Kafka. */
export async function hearLocallyIn(house: House) {
  const hearing = hearingIn(house, () => {})
  const heard = hearLocally(hearing)
  const numbering = keepEventsNumbered({ ...hearing, onNumbered: heard.wake })
  let closed: Promise<unknown> | null = null
  const close = () => {
    closed ??= Promise.all([numbering.close(), heard.close()])
    return closed
  }
  house.onClose(close)
  const find = () => house.ownerSql.rows('select from platform.subscription where name = $1', [listener.name])
  await until('what happens is heard', async () => (await find()).length > 0)
  return { close }
}

/** A process that publishes and listens; what it logs comes line by line. */
export function hearIn(
  process: Process,
  { kafka, onLine = () => {} }: { kafka: KafkaSettings; onLine?: (line: string) => void },
) {
  const hearing = hearingIn(process, onLine)
  const by = byKafka(kafka, onLine)
  const heard = hearByKafka(hearing, by)
  const numbering = keepEventsNumbered({ ...hearing, onNumbered: heard.wake })
  return {
    metrics: by.metrics,
    async close() {
      await Promise.all([numbering.close(), heard.close()])
    },
  }
}

function byKafka(kafka: KafkaSettings, onLine: (line: string) => void): ByKafka & { readonly metrics: Metrics } {
  const metrics = openMetrics({ withProcess: false })
  return {
    kafka,
    envelopes,
    types: kinds.map(({ type }) => type),
    metrics,
    notices: openNotices({ log: openLog({ level: 'info', write: onLine }), metrics }),
    sessionMs: 2_000,
    watchIntervalMs: 200,
  }
}

/** A house with a Kafka, a prefix of its own, and a table of what was heard. */
export interface KafkaHouse extends House {
  readonly settings: KafkaSettings
  readonly topic: string
  readonly group: string
  /** Lines of the log of all processes. */
  readonly lines: string[]
  /** Starts a process, and resolves when it misses nothing any more; closed with the house, or before. */
  hear(process?: Process): Promise<ReturnType<typeof hearIn>>
  say(key: string, ...said: (string | number)[]): Promise<void>
  /** What was heard of a key, in this order. */
  heard(key?: string): Promise<string[]>
  countHeard(): Promise<number>
  /** Resolves when so many were heard. */
  untilHeard(count: number, options?: { timeoutMs?: number }): Promise<void>
  /** Publishes what is numbered, and what is not yet, without listening. */
  publish(): Promise<void>
  /** Puts bytes into a topic, as anybody could. */
  put(message: { topic?: string; key?: string; value: string }): Promise<void>
  /** All messages of a topic. */
  read(topic: string): Promise<Message<string, string, string, string>[]>
  admin<T>(run: (admin: Admin) => Promise<T>): Promise<T>
}

export async function openKafkaHouse(
  scope: Scope,
  kafka: Pick<Brokers, 'addresses'>,
  options: Partial<KafkaSettings> = {},
): Promise<KafkaHouse> {
  const house = await openHouse(scope)
  await makeHeard(house.ownerSql)
  const prefix = `${randomBytes(4).toString('hex')}.`
  const client = { bootstrapBrokers: [...kafka.addresses] }
  const settings: KafkaSettings = { client, prefix, partitions: 3, replication: null, ...options }
  const lines: string[] = []
  const heard = async (key?: string) => {
    const rows = await house.ownerSql.rows<{ said: string }>(
      'select said from heard where key = coalesce($1::uuid, key) order by at',
      [key ?? null],
    )
    return rows.map(({ said }) => said)
  }
  const countHeard = async () => {
    const [row] = await house.ownerSql.rows<{ count: number }>('select count(*) as count from heard')
    return row!.count
  }
  return {
    ...house,
    settings,
    topic: topicIn(prefix),
    group: groupOf(settings, listener),
    lines,
    async hear(process = house) {
      const hearing = hearIn(process, {
        kafka: settings,
        onLine: (line) => lines.push(line),
      })
      let closed: Promise<void> | null = null
      const close = () => (closed ??= hearing.close())
      house.onClose(close)
      const find = () => house.ownerSql.rows(`select from platform.subscription where name = 'kafka'`)
      await until('what happens is published', async () => (await find()).length > 0)
      return { ...hearing, close }
    },
    say: (key, ...said) =>
      house.withWork(system, async (work) => {
        for (const each of said) emit(work, { kind: testEvents.said, key, data: { said: each } })
      }),
    heard,
    countHeard,
    async untilHeard(count, { timeoutMs = 30_000 } = {}) {
      await until(`${count} were heard`, async () => (await countHeard()) >= count, { timeoutMs })
    },
    async publish() {
      const unheard = { ...hearingIn(house, () => {}), subscribers: [] }
      const hearing = hearByKafka(
        unheard,
        byKafka(settings, () => {}),
      )
      const numbering = keepEventsNumbered({ ...unheard, onNumbered: hearing.wake })
      const isDone = async () => {
        const rows = await house.ownerSql.rows<{ left: number }>(
          `select (select count(*) from platform.outbox) - number as left from platform.subscription where name = 'kafka'`,
        )
        return rows[0]?.left === 0
      }
      await until('all was published', isDone)
      await Promise.all([numbering.close(), hearing.close()])
    },
    put: ({ topic = topicIn(prefix), key = newId(), value }) =>
      withClient(new Producer({ clientId: 'test', ...client }), async (producer) => {
        await producer.send({ messages: [{ topic, key: Buffer.from(key), value: Buffer.from(value) }] })
      }),
    read: (topic) => readAll(client, topic),
    admin: (run) => withClient(new Admin({ clientId: 'test', ...client }), run),
  }
}

async function makeHeard(ownerSql: Sql): Promise<void> {
  await ownerSql.run('create table heard (number bigint, key uuid, said text, at bigserial)')
  await ownerSql.run('grant all on heard to podo_service')
  await ownerSql.run('grant all on sequence heard_at_seq to podo_service')
}

/** All messages of a topic, as they are when it is called. */
export async function readAll(client: { bootstrapBrokers: string[] }, topic: string) {
  const total = await withClient(new Admin({ clientId: 'test', ...client }), async (admin) => {
    const { topics } = await admin.metadata({ topics: [topic] })
    const partitions = topics.get(topic)!.partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp: -1n }))
    const [ends] = await admin.listOffsets({ topics: [{ name: topic, partitions }] })
    return ends!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0)
  })
  const toText = (bytes?: Buffer) => bytes?.toString() ?? ''
  const deserializers = { key: toText, value: toText, headerKey: toText, headerValue: toText }
  const consumer = new Consumer({ clientId: 'test', groupId: newId(), ...client, deserializers })
  const messages: Message<string, string, string, string>[] = []
  if (total === 0) return messages
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', maxWaitTime: 100 })
  for await (const message of stream) if (messages.push(message) === total) break
  await consumer.close(true)
  return messages
}

async function withClient<Client extends { close(): Promise<unknown> }, T>(
  client: Client,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    return await run(client)
  } finally {
    await client.close()
  }
}
