import { join } from 'node:path'
import type { Config } from '#platform/config'
import { breakEmbeddedPostgres } from '#platform/embedded-postgres'
import { openDataFolder, serverUser } from '#platform/postgres-folder'
import type { Text } from '#platform/problem'
import { isKafkaInstalled } from '#sandbox/kafka/installed'
import { keepBroker } from '#sandbox/kafka/kept-broker'
import type { Outage } from '../demo/outage.ts'

interface Plan {
  readonly outage: Outage
  /** For the Podo of the demo. */
  readonly settings: NodeJS.ProcessEnv
  end(): Promise<void>
}

/** What starts a Kafka where none is given. */
interface Engine {
  isInstalled(): boolean
  keep: typeof keepBroker
}

const java: Engine = { isInstalled: isKafkaInstalled, keep: keepBroker }

/** How PostgreSQL is stopped while requests are taken on through Kafka: a given one, else one of our own. */
export async function planOutage(config: Config, engine: Engine = java): Promise<Plan> {
  const outage = { breakOff: () => breakEmbeddedPostgres(config.dataDir) }
  const alone = (outage: Outage): Plan => ({ outage, settings: {}, end: async () => {} })
  if (config.databaseUrl) return alone(leftAlone)
  if (config.kafkaBrokers) return alone(config.kafkaCommands === 'off' ? { leftOut: texts.noCommands } : outage)
  if (!engine.isInstalled()) return alone({ leftOut: texts.noKafka })
  try {
    openDataFolder(config.dataDir, serverUser())
    // Beside the data, for what is in it: a demo that was killed leaves requests there for the next one.
    const { address, stop } = await engine.keep(join(config.dataDir, 'demo-kafka'))
    return { outage, settings: { KAFKA_BROKERS: address, KAFKA_COMMANDS: 'at-risk', KAFKA_PARTITIONS: '1' }, end: stop }
  } catch (error) {
    const reason = (error as Error).message.trim().split('\n').at(-1) ?? ''
    return alone({ leftOut: texts.kafkaFailed(reason) })
  }
}

const texts = {
  othersPostgres: {
    ko: '건너뜁니다: 데모가 직접 시작한 PostgreSQL만 멈춥니다. 실행 중인 Podo를 멈추고 DATABASE_URL 없이 데모를 실행하면 보입니다.',
    en: 'Left out: the demo stops no PostgreSQL but its own. Stop that Podo and play it without DATABASE_URL to see this.',
  },
  noKafka: {
    ko: '건너뜁니다: Kafka가 있어야 보입니다. "npm run engines"로 받거나(Java 필요) KAFKA_BROKERS를 지정해 주십시오.',
    en: 'Left out: it takes a Kafka. Fetch one by "npm run engines" (it needs Java), or give yours as KAFKA_BROKERS.',
  },
  noCommands: {
    ko: '건너뜁니다: KAFKA_COMMANDS=off이면 요청을 Kafka로 접수하지 않습니다.',
    en: 'Left out: with KAFKA_COMMANDS=off no request is taken on through Kafka.',
  },
  kafkaFailed: (reason: string): Text => ({
    ko: `건너뜁니다: Kafka를 시작하지 못했습니다(${reason}).`,
    en: `Left out: Kafka did not start (${reason}).`,
  }),
} as const

/** For a PostgreSQL that the demo did not start. */
export const leftAlone: Outage = { leftOut: texts.othersPostgres }
