import { compatibilityPartitioner, type MessageToProduce, Producer } from '@platformatic/kafka'
import { clientPatience, type KafkaSettings } from './connection.ts'

/** What is put into a topic: what has the same key stays in order, where the client in Java would put it. */
export type Outgoing = MessageToProduce<Buffer, Buffer, string | Buffer, string | Buffer>

/** A way into the topics that outlives brokers. */
export interface Sender {
  /**
   * Resolves when all are written as often as the topics demand, one call after the other. Waits for as long as it
   * takes while no broker answers, and rejects when the brokers refuse, or when the sender is closed.
   */
  send(messages: readonly Outgoing[]): Promise<void>
  close(): Promise<void>
}

/** How long a send may take before it is told that nobody answers. */
const slowMs = 5_000
/** And before it is begun anew: whatever it is that holds it up, it is not for ever. */
const stuckMs = 60_000

export interface SenderOptions {
  readonly kafka: KafkaSettings
  /** Told when the brokers do not answer, or refuse. */
  readonly onProblem: (error: unknown) => void
  /** Told of each success. */
  readonly onSuccess: () => void
}

/** Opens a sender; it connects when it is first used. */
export function openSender({ kafka, onProblem, onSuccess }: SenderOptions): Sender {
  let producer: Client | null = null
  let last: Promise<unknown> = Promise.resolve()
  let isClosed = false
  const drop = async () => {
    const dropped = producer
    producer = null
    await dropped?.close(true).catch(() => {})
  }
  const sendNow = async (messages: readonly Outgoing[]) => {
    if (isClosed) throw new Error('Nothing is sent any more')
    producer ??= openProducer(kafka)
    const slow = setTimeout(() => onProblem(new Error('No broker has answered for 5 seconds.')), slowMs)
    const stuck = setTimeout(drop, stuckMs)
    try {
      await sendByPartition(producer, [...messages])
      onSuccess()
    } catch (error) {
      if (!isClosed) onProblem(error)
      // The next one begins anew: what was written already may be written again, with the same id.
      await drop()
      throw error
    } finally {
      clearTimeout(slow)
      clearTimeout(stuck)
    }
  }
  return {
    send(messages) {
      const sending = last.then(() => sendNow(messages))
      last = sending.catch(() => {})
      return sending
    },
    close() {
      isClosed = true
      return drop()
    },
  }
}

/**
 * The partitions of a broker that died may have two leaders afterwards, and the client sends to one of them for ever
 * what it had meant to send to that broker: so each partition's messages are sent for themselves, where there are more
 * brokers than one.
 */
async function sendByPartition(producer: Client, messages: Outgoing[]): Promise<void> {
  const { topics, brokers } = await producer.metadata({ topics: [...new Set(messages.map(({ topic }) => topic))] })
  if (brokers.size === 1) return void (await producer.send({ messages }))
  const placed = messages.map((message) => {
    const { partitionsCount } = topics.get(message.topic)!
    return { ...message, partition: compatibilityPartitioner(message, message.key) % partitionsCount }
  })
  const groups = Map.groupBy(placed, ({ topic, partition }) => `${topic}:${partition}`)
  await Promise.all([...groups.values()].map((group) => producer.send({ messages: group })))
}

type Client = ReturnType<typeof openProducer>

/**
 * An idempotent producer that never gives up: sent again by ourselves after it had, by another producer, a batch would
 * be written twice.
 */
function openProducer({ client }: KafkaSettings) {
  const producer = new Producer<Buffer, Buffer, string | Buffer, string | Buffer>({
    ...client,
    ...clientPatience,
    clientId: 'podo',
    idempotent: true,
    acks: -1,
    retries: true,
    retryDelay: 250,
    maxInflights: 1,
    partitioner: compatibilityPartitioner,
    // Who leads is asked so often, too, while nobody answers as the leader.
    metadataMaxAge: 1_000,
    serializers: { headerKey: toBytes, headerValue: toBytes },
  })
  producer.on('error' as never, (() => {}) as never)
  return producer
}

function toBytes(value: string | Buffer = ''): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value
}
