import { setTimeout as delay } from 'node:timers/promises'
import type { Envelopes } from '../events/cloud-events.ts'
import { retryDue, type Subscriber } from '../events/delivery.ts'
import type { Hearing, Running } from '../events/relay.ts'
import { openSubscription } from '../events/store.ts'
import { keepLease } from '../leases.ts'
import type { KafkaSettings } from './connection.ts'
import { keepConsuming } from './consumer.ts'
import { copyDeadLetters } from './dead-letters.ts'
import { keepGroupsWatched } from './groups.ts'
import { openIntake } from './intake.ts'
import type { Notices } from './notices.ts'
import { openSender } from './producer.ts'
import { openPublisher } from './publisher.ts'
import { openPublishing } from './store.ts'
import { makeTopics, openAdmin, topicsOf } from './topics.ts'

/** Kafka as what carries events. */
export interface ByKafka {
  readonly kafka: KafkaSettings
  readonly envelopes: Envelopes
  /** Every type that there is. */
  readonly types: readonly string[]
  readonly notices: Notices
  /** How long a group waits for a member that is silent. */
  readonly sessionMs?: number
  /** How often it is looked how far the groups are. */
  readonly watchIntervalMs?: number
}

const publishingIntervalMs = 100
const retryingIntervalMs = 250
const copyingIntervalMs = 1_000
const prepareAgainMs = 1_000
const usualWatchIntervalMs = 5_000

/** The group of a subscriber, in which its processes share the partitions. */
export function groupOf({ prefix }: Pick<KafkaSettings, 'prefix'>, { name }: Pick<Subscriber, 'name'>): string {
  return `${prefix}${name}`
}

/**
 * Publishes what happens, in one process of all that keep this, and delivers it to the subscribers from the topics,
 * shared by partitions. Begins as soon as a broker answers, and goes on when one does again.
 */
export function hearByKafka(hearing: Hearing, by: ByKafka): Running & { wake(): void } {
  const stop = new AbortController()
  const { notices } = by
  const sender = openSender({ kafka: by.kafka, onProblem: notices.away, onSuccess: notices.reached })
  const admin = openAdmin(by.kafka)
  const parts = { ...hearing, ...by, sender, admin }
  let carrying: ReturnType<typeof carry> | null = null
  const started = prepare(parts, stop.signal).then(() => {
    if (!stop.signal.aborted) carrying = carry(parts)
  })
  return {
    wake: () => carrying?.wake(),
    async close() {
      stop.abort()
      notices.close()
      // What waits for a broker is let go, and is sent by whoever comes next.
      const ended = carrying?.close()
      await Promise.all([sender.close(), admin.close().catch(() => {})])
      await started
      await ended
    },
  }
}

type Parts = Hearing &
  ByKafka & {
    readonly sender: ReturnType<typeof openSender>
    readonly admin: ReturnType<typeof openAdmin>
  }

/** From now on nothing is missed, and as soon as a broker answers there are the topics. */
async function prepare(by: Parts, signal: AbortSignal): Promise<void> {
  const { reads, subscribers, kafka, types, admin, notices } = by
  while (!signal.aborted) {
    try {
      for (const { name } of subscribers) await openSubscription(reads, name)
      await openPublishing(reads)
      notices.lacking(await makeTopics(admin, { ...kafka, topics: topicsOf(kafka, types) }))
      return notices.reached()
    } catch (error) {
      if (!signal.aborted) notices.failed(error, by.onError)
      await delay(prepareAgainMs, undefined, { signal }).catch(() => {})
    }
  }
}

function carry(by: Parts): Running & { wake(): void } {
  const { reads, subscribers, kafka, notices } = by
  const publisher = openPublisher(by)
  const publishing = keepLease({
    reads,
    name: 'events: kafka',
    intervalMs: publishingIntervalMs,
    onError: (error) => notices.failed(error, by.onError),
    run: publisher.next,
  })
  const copying = keepLease({
    reads,
    name: 'events: dead letters to kafka',
    intervalMs: copyingIntervalMs,
    onError: (error) => notices.failed(error, by.onError),
    run: () => copyDeadLetters(by),
  })
  const watch = keepGroupsWatched({
    ...by,
    intervalMs: by.watchIntervalMs ?? usualWatchIntervalMs,
    groups: subscribers.map((subscriber) => ({
      subscription: subscriber.name,
      groupId: groupOf(kafka, subscriber),
      topics: topicsOf(kafka, subscriber.types),
    })),
  })
  notices.showLags(watch.lags)
  const listening = subscribers.map((subscriber) => listen(by, subscriber))
  return {
    wake: publishing.wake,
    async close() {
      await Promise.all([publishing, copying, watch, ...listening].map((each) => each.close()))
    },
  }
}

/** A subscriber as a member of its group; what failed is tried again by one process of all. */
function listen(by: Parts, subscriber: Subscriber): Running {
  const { reads, kafka, notices, sessionMs } = by
  const groupId = groupOf(kafka, subscriber)
  const delivering = { ...by, subscriber, onFailure: by.onFailure.bind(null, subscriber.name) }
  const intake = openIntake({ ...by, ...delivering, groupId })
  const consuming = keepConsuming({
    kafka,
    groupId,
    topics: topicsOf(kafka, subscriber.types),
    ...(sessionMs === undefined ? {} : { sessionMs }),
    handle: intake.take,
    onMissing: intake.catchUp,
    onJoin: () => notices.joined(groupId),
    onRestart: (error) => notices.restarted(groupId, error),
  })
  const retrying = keepLease({
    reads,
    // Without Kafka, too, it is who has this lease that tries again.
    name: `events: ${subscriber.name}`,
    intervalMs: retryingIntervalMs,
    onError: by.onError,
    run: () => retryDue(delivering),
  })
  return {
    async close() {
      await Promise.all([consuming.close(), retrying.close()])
    },
  }
}
