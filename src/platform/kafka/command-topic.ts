import { type Admin, ConfigResourceTypes } from '@platformatic/kafka'
import { StartProblem } from '../start-problem.ts'
import type { KafkaSettings } from './connection.ts'
import { byBrokersClock, deadLetterTopicOf, passOverPresent } from './topics.ts'

/** Where requests wait that were taken on: all in one partition, so that they keep one order. */
export function commandTopicOf({ prefix }: Pick<KafkaSettings, 'prefix'>): string {
  return `${prefix}commands`
}

/** What keeps every command that was acknowledged, whichever broker dies. */
const copiesMin = 3
const guarantees = { 'min.insync.replicas': 2, 'unclean.leader.election.enable': false, 'retention.ms': -1 } as const

/** The longest request is a batch of two million bytes, which is longer when it is sealed: brokers take one million. */
const messageBytesMax = 8 * 1024 * 1024

/** Makes the topic, and that of its dead letters, where they are missing; with fewer copies only where that is allowed. */
export async function makeCommandTopic(
  admin: Admin,
  { kafka, isRiskTaken }: { kafka: KafkaSettings; isRiskTaken: boolean },
): Promise<void> {
  const topic = commandTopicOf(kafka)
  const copies = kafka.replication ?? (isRiskTaken ? -1 : copiesMin)
  const isCluster = copies >= copiesMin
  const present = new Set(await admin.listTopics())
  const missing = [topic, deadLetterTopicOf(topic)].filter((name) => !present.has(name))
  if (missing.length === 0) return
  const own = { ...guarantees, 'max.message.bytes': messageBytesMax }
  const configs = [byBrokersClock, ...Object.entries(own).map(([name, value]) => ({ name, value: String(value) }))]
  await admin
    .createTopics({
      topics: missing,
      partitions: 1,
      replicas: copies,
      configs: isCluster ? configs : configs.filter(({ name }) => name !== 'min.insync.replicas'),
    })
    .catch(passOverPresent)
}

/**
 * What the topic lacks of what keeps every acknowledged command, each as a name and what it is; empty where it lacks
 * nothing.
 */
export async function findRisks(admin: Admin, kafka: KafkaSettings): Promise<string[]> {
  const topic = commandTopicOf(kafka)
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
  const partitions = topics.get(topic)?.partitions ?? []
  const copies = Math.min(...partitions.map(({ replicas }) => replicas.length))
  const configOf = await readConfigs(admin, topic)
  const isEnough: Record<keyof typeof guarantees, (value: string) => boolean> = {
    'min.insync.replicas': (value) => Number(value) >= guarantees['min.insync.replicas'],
    'unclean.leader.election.enable': (value) => value === 'false',
    'retention.ms': (value) => value === '-1',
  }
  const names = Object.keys(guarantees) as (keyof typeof guarantees)[]
  const lacking = names.filter((name) => !isEnough[name](configOf(name))).map((name) => `${name}=${configOf(name)}`)
  return [
    ...(partitions.length === 1 ? [] : [`partitions=${partitions.length}`]),
    ...(copies >= copiesMin ? [] : [`replicas=${copies}`]),
    ...lacking,
  ]
}

/** How long a command may be, in bytes, so that the topic takes it with what goes around it. */
export async function findCommandLengthMax(admin: Admin, kafka: KafkaSettings): Promise<number> {
  const configOf = await readConfigs(admin, commandTopicOf(kafka))
  return Math.floor(0.9 * (Number(configOf('max.message.bytes')) || 0))
}

async function readConfigs(admin: Admin, topic: string): Promise<(name: string) => string> {
  const [described] = await admin.describeConfigs({
    resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: null }],
    includeSynonyms: false,
    includeDocumentation: false,
  })
  return (name) => described?.configs.find((config) => config.name === name)?.value ?? 'unknown'
}

/** A Kafka that may lose what it acknowledged. */
export function tooLittle(topic: string, risks: readonly string[]): StartProblem {
  const found = risks.join(', ')
  return new StartProblem({
    ko: `Kafka 토픽 ${topic}의 설정(${found})으로는 브로커 하나가 죽을 때 접수한 요청을 잃을 수 있습니다. 복제본 3개 이상, min.insync.replicas=2, retention.ms=-1, unclean.leader.election.enable=false로 두십시오. 잃어도 되면 KAFKA_COMMANDS=at-risk, Kafka로 접수하지 않으려면 KAFKA_COMMANDS=off로 시작하십시오.`,
    en: `The Kafka topic ${topic} (${found}) may lose requests that were taken on when one broker dies. It wants 3 replicas or more, min.insync.replicas=2, retention.ms=-1 and unclean.leader.election.enable=false. Start with KAFKA_COMMANDS=at-risk if they may be lost, or with KAFKA_COMMANDS=off to take none on through Kafka.`,
  })
}
