import { Admin } from '@platformatic/kafka'
import { clientPatience, type KafkaSettings } from './connection.ts'

/** The topic of a type of event: `podo.` and the room that tells of it. */
export function topicOf({ prefix }: Pick<KafkaSettings, 'prefix'>, type: string): string {
  return `${prefix}${type.slice(0, type.indexOf('.'))}`
}

/** The topics of several types, each once. */
export function topicsOf(kafka: Pick<KafkaSettings, 'prefix'>, types: readonly string[]): string[] {
  return [...new Set(types.map((type) => topicOf(kafka, type)))].sort()
}

/** Where messages of a topic go that could not be taken in. */
export function deadLetterTopicOf(topic: string): string {
  return `${topic}.DLT`
}

/** A topic that was there already, with fewer partitions than it should have. */
export interface LackingTopic {
  readonly topic: string
  readonly partitions: number
  readonly missing: number
}

/**
 * Makes the topics that are missing, each with one for its dead letters, and answers those that lack partitions: these
 * stay as they are, since with another number of partitions the events of a key would come from two of them.
 */
export async function makeTopics(
  admin: Admin,
  kafka: KafkaSettings & { topics: readonly string[] },
): Promise<LackingTopic[]> {
  const wanted = kafka.topics.flatMap((topic) => [topic, deadLetterTopicOf(topic)])
  const present = new Set(await admin.listTopics())
  const missing = wanted.filter((topic) => !present.has(topic))
  const { partitions, replication } = kafka
  const isCluster = replication !== null && replication > 2
  if (missing.length > 0) {
    await admin
      .createTopics({
        topics: missing,
        partitions,
        replicas: replication ?? -1,
        configs: [byBrokersClock, ...(isCluster ? [{ name: 'min.insync.replicas', value: '2' }] : [])],
      })
      .catch(passOverPresent)
  }
  const { topics } = await admin.metadata({ topics: [...kafka.topics], forceUpdate: true })
  return kafka.topics.flatMap((topic) => {
    const count = topics.get(topic)?.partitionsCount ?? 0
    return count < partitions ? [{ topic, partitions: count, missing: partitions - count }] : []
  })
}

/**
 * Messages bear the time of the broker: one from an hour ahead it would refuse, and one from days ago it would delete
 * days too soon.
 */
export const byBrokersClock = { name: 'message.timestamp.type', value: 'LogAppendTime' }

/** Another process may have made them meanwhile; those of them that are missing still are found missing by who sends. */
export function passOverPresent(error: Error): void {
  if (!JSON.stringify(namesOf(error)).includes('TOPIC_ALREADY_EXISTS')) throw error
}

function namesOf(error: unknown): unknown[] {
  const { apiId, errors = [] } = error as { apiId?: string; errors?: unknown[] }
  return [apiId, ...errors.map(namesOf)]
}

/** A client for questions about topics and groups. */
export function openAdmin({ client }: KafkaSettings): Admin {
  const admin = new Admin({ ...client, ...clientPatience, clientId: 'podo', retries: 2, retryDelay: 250 })
  // An error that nobody hears ends the process; whoever asked is told of his own.
  admin.on('error' as never, (() => {}) as never)
  return admin
}
