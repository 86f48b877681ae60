import { readFileSync } from 'node:fs'
import type { BaseOptions } from '@platformatic/kafka'
import type { Config } from '../config.ts'
import { listOf } from '../settings.ts'

/** Where a Kafka is, and what it is to hold for us. */
export interface KafkaSettings {
  /** Of the client: brokers, TLS and how to sign in. */
  readonly client: Pick<BaseOptions, 'bootstrapBrokers' | 'tls' | 'sasl'>
  /** What the names of topics and groups begin with. */
  readonly prefix: string
  readonly partitions: number
  /** Copies of each topic; null for as many as the brokers are set to. */
  readonly replication: number | null
}

/** The Kafka that is configured, or null: then this process has nothing to do with one. */
export function findKafka(config: Config): KafkaSettings | null {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = config
  if (config.kafkaBrokers === null) return null
  const ca = config.kafkaCaFile === null ? undefined : readFileSync(config.kafkaCaFile, 'utf8')
  return {
    client: {
      bootstrapBrokers: listOf(config.kafkaBrokers),
      ...(config.kafkaTls ? { tls: { ca } } : {}),
      ...(mechanism === null ? {} : { sasl: { mechanism, username: username!, password: password! } }),
    },
    prefix: config.kafkaTopicPrefix,
    partitions: config.kafkaPartitions,
    replication: config.kafkaReplication,
  }
}

/** How long the client waits before it counts a broker as away: one that hangs is noticed as soon as one that is gone. */
export const clientPatience = { timeout: 5_000, connectTimeout: 2_000, requestTimeout: 10_000 } as const

/** What is wrong with a Kafka, in a sentence for the log. */
export function kafkaProblem(error: unknown): string {
  const reasons = reasonsOf(error)
  const refused = reasons.find(({ code }) => code === 'PLT_KFK_AUTHENTICATION')
  if (refused)
    return `the brokers refuse to let us in: ${refused.message} See KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.`
  return [...new Set(reasons.map(({ message }) => message))].slice(0, 3).join(' ')
}

/** Whether it is the client that says so. */
export function isOfKafka(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('PLT_KFK_')
}

/** The client wraps errors in errors, and repeats what it tried: the innermost say what it was. */
function reasonsOf(error: unknown): { message: string; code?: string }[] {
  if (!(error instanceof Error)) return [{ message: String(error) }]
  const inner = [...((error as Partial<AggregateError>).errors ?? []), ...(error.cause ? [error.cause] : [])]
  const { code } = error as { code?: string }
  if (code === 'PLT_KFK_AUTHENTICATION' || inner.length === 0)
    return [{ message: error.message, ...(code ? { code } : {}) }]
  return inner.flatMap(reasonsOf)
}
