import Type, { type TSchema } from 'typebox'
import type { Setting } from './settings.ts'

const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const visibleText = nullable(Type.String({ pattern: '^[\\x21-\\x7e]{1,1024}$' }))
const mechanism = Type.Union(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].map((name) => Type.Literal(name)))

/** Where events go when they go through Kafka. */
export const kafkaSettings = {
  kafkaBrokers: {
    name: 'KAFKA_BROKERS',
    schema: nullable(Type.String({ pattern: '^[\\w.-]+:\\d{1,5}(,\\s*[\\w.-]+:\\d{1,5})*$' })),
    default: null,
    expects: {
      ko: '쉼표로 구분한 kafka-1.example.com:9092 형식의 주소',
      en: 'addresses like kafka-1.example.com:9092, separated by commas',
    },
    description: 'Brokers of a Kafka that carries the events. Without it they stay in PostgreSQL.',
  },
  kafkaTopicPrefix: {
    name: 'KAFKA_TOPIC_PREFIX',
    schema: Type.String({ pattern: '^[\\w.-]{1,100}$' }),
    default: 'podo.',
    expects: { ko: '영문자, 숫자, ., _, -로 된 100자 이하의 글자', en: 'up to 100 letters, digits, dots, _ or -' },
    description: 'What the names of topics and consumer groups begin with.',
  },
  kafkaPartitions: {
    name: 'KAFKA_PARTITIONS',
    schema: Type.Integer({ minimum: 1, maximum: 1_000 }),
    default: 12,
    expects: { ko: '1부터 1000까지의 수', en: 'a number from 1 to 1000' },
    description: 'Partitions of the topics that Podo makes: as many workers can share the events of one.',
  },
  kafkaReplication: {
    name: 'KAFKA_REPLICATION',
    schema: nullable(Type.Integer({ minimum: 1, maximum: 16 })),
    default: null,
    expects: { ko: '1부터 16까지의 수', en: 'a number from 1 to 16' },
    description: 'Copies of the topics that Podo makes; with 3, two must be written. Default: as the brokers are set.',
  },
  kafkaCommands: {
    name: 'KAFKA_COMMANDS',
    schema: Type.Unsafe<'safe' | 'at-risk' | 'off'>(Type.String({ enum: ['safe', 'at-risk', 'off'] })),
    default: 'safe',
    expects: { ko: 'safe, at-risk, off 중 하나', en: 'safe, at-risk or off' },
    description:
      'Whether requests are taken on through Kafka, also while PostgreSQL is away: only where no broker’s death loses ' +
      'any, also where one may (at-risk: a single broker), or not at all.',
  },
  kafkaTls: {
    name: 'KAFKA_TLS',
    schema: Type.Boolean(),
    default: false,
    expects: { ko: 'true 또는 false', en: 'true or false' },
    description: 'Whether the brokers are spoken to through TLS.',
  },
  kafkaCaFile: {
    name: 'KAFKA_CA_FILE',
    schema: nullable(Type.String({ minLength: 1 })),
    default: null,
    expects: { ko: 'PEM 파일의 경로', en: 'the path of a PEM file' },
    description: "Who signs the brokers' certificates, if not one of the usual authorities.",
  },
  kafkaSaslMechanism: {
    name: 'KAFKA_SASL_MECHANISM',
    schema: nullable(mechanism),
    default: null,
    expects: {
      ko: 'PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 중 하나',
      en: 'PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
    },
    description: 'How Podo signs in at the brokers. Default: not at all.',
  },
  kafkaSaslUsername: {
    name: 'KAFKA_SASL_USERNAME',
    schema: visibleText,
    default: null,
    expects: { ko: '1자 이상의 이름', en: 'a name of at least one character' },
    description: 'As whom Podo signs in at the brokers.',
  },
  kafkaSaslPassword: {
    name: 'KAFKA_SASL_PASSWORD',
    schema: visibleText,
    default: null,
    expects: { ko: '1자 이상의 비밀번호', en: 'a password of at least one character' },
    description: 'The password of that name.',
    secret: true,
  },
} as const satisfies Record<string, Setting>
