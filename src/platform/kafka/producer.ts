import { compatibilityPartitioner, type MessageToProduce, Producer } from '@platformatic/kafka'
import { clientPatience, type KafkaSettings } from './connection.ts'

/** What is put into a topic: what has the same key stays in order. */
export type Outgoing = MessageToProduce<Buffer, Buffer, string, string | Buffer>

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

export interface SenderOptions {
  readonly kafka: KafkaSettings
  /** Told when the brokers do not answer, or refuse. */
  readonly onProblem: (error: unknown) => void
  /** Told of each success. */
  readonly onSuccess: () => void
}

/** Opens a sender; it connects when it is first used. */
export function openSender({ kafka, onProblem, onSuccess }: SenderOptions): Sender {
  let producer: ReturnType<typeof openProducer> | null = null
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
    try {
      await producer.send({ messages: [...messages] })
      onSuccess()
    } catch (error) {
      if (!isClosed) onProblem(error)
      // The next one begins anew: what was written already may be written again, with the same id.
      await drop()
      throw error
    } finally {
      clearTimeout(slow)
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
 * An idempotent producer that never gives up: sent again by ourselves after it had, by another producer, a batch would
 * be written twice. Keys go to the partitions to which the client in Java sends them.
 */
function openProducer({ client }: KafkaSettings) {
  const producer = new Producer<Buffer, Buffer, string, string | Buffer>({
    ...client,
    ...clientPatience,
    clientId: 'podo',
    idempotent: true,
    acks: -1,
    retries: true,
    retryDelay: 250,
    maxInflights: 1,
    partitioner: compatibilityPartitioner,
    serializers: { headerKey: toBytes, headerValue: toBytes },
  })
  producer.on('error' as never, (() => {}) as never)
  return producer
}

function toBytes(value: string | Buffer = ''): Buffer {
  return Buffer.from(value as string)
}
