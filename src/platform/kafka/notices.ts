import { failureOf } from '../database.ts'
import type { UnreadableEvent } from '../events/cloud-events.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { openOutage } from '../outage.ts'
import { isOfKafka, kafkaProblem } from './connection.ts'
import type { Gap } from './consumer.ts'
import type { Lag } from './groups.ts'
import type { LackingTopic } from './topics.ts'

/** What is told of Kafka, in the log and in numbers. */
export type Notices = ReturnType<typeof openNotices>

/** An outage is told once, however many notice it. */
export function openNotices({ log, metrics }: { readonly log: Logger; readonly metrics: Metrics }) {
  let isAway = false
  metrics.gauge('kafka_away', 'Whether no broker of Kafka answers, or lets us in: 1 or 0.', () => (isAway ? 1 : 0))
  const countJoin = metrics.counter('kafka_joins_total', 'Rebalances that a member of a group went through.', 'group')
  const countRestart = metrics.counter('kafka_restarts_total', 'Members of a group that began anew.', 'group')
  const countUnreadable = metrics.counter('kafka_unreadable_total', 'Messages that are none of our events.', 'topic')
  const countMissing = metrics.counter('kafka_missing_total', 'Gaps: deleted before they were read.', 'topic')
  let lacking: readonly LackingTopic[] = []
  metrics.gauges('kafka_partitions_lacking', 'Partitions that a topic has less than KAFKA_PARTITIONS.', {
    label: 'topic',
    read: async () => new Map(lacking.map(({ topic, missing }) => [topic, missing])),
  })
  const outage = openOutage((error) =>
    log.warn(`Kafka does not carry events; they wait, and go on when it does again: ${kafkaProblem(error)}`),
  )
  let isClosed = false
  const away = (error: unknown) => {
    if (isClosed) return
    isAway = true
    outage.noticed(error as Error)
  }
  const reached = () => {
    if (isAway) log.info('Kafka carries events again')
    isAway = false
    outage.reached()
  }
  return {
    /** What fails from now on fails since it ends. */
    close() {
      isClosed = true
    },
    away,
    reached,
    /** Of a database that is away others tell, once. */
    failed(error: unknown, tell: (error: unknown) => void) {
      if (isOfKafka(error)) away(error)
      else tell(error)
    },
    joined(group: string) {
      countJoin(group)
      reached()
    },
    restarted(group: string, error: unknown) {
      countRestart(group)
      if (isOfKafka(error)) away(error)
      else if (failureOf(error) !== 'unavailable') log.warn({ group, err: error }, 'A consumer failed, and begins anew')
    },
    unreadable(
      group: string,
      it: { message: { topic: string; partition: number; offset: bigint }; error: UnreadableEvent },
    ) {
      const { topic, partition, offset } = it.message
      countUnreadable(topic)
      const where = { group, topic, partition, offset: String(offset), reason: it.error.message }
      log.warn(where, 'A message is none of our events; it went to the dead letters of its topic')
    },
    missing(group: string, gaps: readonly Gap[]) {
      for (const { topic, partition, from, to } of gaps) {
        countMissing(topic)
        const where = { group, topic, partition, from: String(from), to: String(to) }
        log.error(where, 'Kafka deleted messages before they were read; their events were read from the database')
      }
    },
    lacking(topics: readonly LackingTopic[]) {
      lacking = topics
      for (const each of topics)
        log.warn(each, 'A topic has fewer partitions than KAFKA_PARTITIONS; it is used as it is')
    },
    showLags(lags: () => readonly Lag[]) {
      metrics.gauges('kafka_lag', 'Messages that a group has yet to take in, by group and topic.', {
        label: ['group', 'topic'],
        read: async () => new Map(lags().map(({ group, topic, messages }) => [[group, topic], messages])),
      })
    },
  }
}
