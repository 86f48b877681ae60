import { earningOperations } from '#modules/earning'
import { areStillLetIn } from '#modules/identity'
import { type Points, pointsOperations } from '#modules/points'
import type { Caller } from '#platform/access'
import type { Config } from '#platform/config'
import type { Database } from '#platform/database'
import type { Running } from '#platform/events/relay'
import type { Validation } from '#platform/http-validation'
import type { CommandIntakeOptions } from '#platform/kafka/command-intake'
import type { KafkaCommandLog } from '#platform/kafka/command-log'
import { findKafka, type KafkaSettings } from '#platform/kafka/connection'
import type { Notices } from '#platform/kafka/notices'
import type { Logger } from '#platform/log'
import type { Metrics } from '#platform/metrics'
import { keepCarryingOut } from '#platform/operations/carrying'
import { type Operations, openOperations } from '#platform/operations/deferring'
import type { OperationKind } from '#platform/operations/operations'
import { findQueue } from '#platform/operations/store'
import { openTaking } from '#platform/operations/taking'
import { tellStuck } from '#platform/operations/watching'
import type { OpenGuard } from '#platform/resilience'
import type { Sealing } from '#platform/sealing'
import type { WithWork } from '#platform/work'

/** What may be taken on now and carried out later. */
export interface OperationsOfApp extends Operations {
  readonly kinds: readonly OperationKind[]
  /** Whether they may wait where the database does not see them yet. */
  readonly hasLog: boolean
  /** Told when there is something to carry out in this process. */
  onTaken: () => void
}

interface OperationsParts {
  readonly config: Config
  readonly log: Logger
  readonly database: Database
  readonly withWork: WithWork
  readonly sealing: Sealing
  /** Where requests wait while the database is away. */
  readonly commands: KafkaCommandLog | null
  readonly points: Points
  readonly validation: Validation
  readonly openGuard: OpenGuard
  /** Whether a caller's requests are taken on where they would be refused. */
  queues(caller: Caller): boolean
}

/** Everything that may be carried out later, and how it is taken on. */
export function openOperationsOf(by: OperationsParts): OperationsOfApp {
  const { config, database, sealing, queues, openGuard } = by
  const kinds = [...pointsOperations({ ...by, ledger: config }), ...earningOperations({ ...by, settings: config })]
  const { commands: log } = by
  const taking = openTaking({ reads: database, sealing, openGuard, log, onTaken: () => own.onTaken() })
  const own = { ...openOperations({ taking, queues, kinds }), kinds, hasLog: log !== null, onTaken: () => {} }
  return own
}

/** Kafka, where requests are taken on through it. */
function findCommandKafka(config: Config): KafkaSettings | null {
  return config.kafkaCommands === 'off' ? null : findKafka(config)
}

/**
 * Where requests wait while the database is away; null where there is no such place. Throws a StartProblem where it may
 * lose some. The client of Kafka is loaded only where there is one.
 */
export async function openCommands(config: Config, log: Logger): Promise<KafkaCommandLog | null> {
  const kafka = findCommandKafka(config)
  if (!kafka) return null
  const { openCommandLog } = await import('#platform/kafka/command-log')
  const commands = openCommandLog({ kafka, isRiskTaken: config.kafkaCommands === 'at-risk', log })
  await commands.start()
  return commands
}

interface CarryingParts extends Pick<OperationsParts, 'config' | 'log' | 'database' | 'withWork' | 'sealing'> {
  readonly operations: OperationsOfApp
  readonly metrics: Metrics
  /** Of Kafka, where there is one. */
  readonly notices: Notices | null
}

/** What was taken on is carried out. */
export async function startCarryingOut(by: CarryingParts): Promise<Running> {
  const { operations, database, withWork, sealing, metrics, log, config } = by
  metrics.gauge(
    'operations_waiting',
    'Requests that were taken on and are not carried out yet.',
    async () => (await findQueue(database)).count,
  )
  metrics.gauge(
    'operations_waiting_seconds',
    'For how long the oldest of them has waited.',
    async () => (await findQueue(database)).ageSeconds,
  )
  const onError = (error: unknown) =>
    log.warn({ err: error }, 'Operations could not be carried out; they will be, a little later')
  const count = metrics.counter('operations_total', 'Requests that were carried out later, by their status.', 'status')
  const carrying = keepCarryingOut({
    reads: database,
    withWork,
    sealing,
    kinds: operations.kinds,
    confirm: (callers) => areStillLetIn(database, callers),
    onDone: (_name, status) => count(String(status)),
    onStuck({ seq, attempts, error }) {
      log.error(
        { operation: seq, attempts, err: error },
        'An operation could not be carried out; it will be tried again',
      )
      tellStuck({ withWork }, { attempts }).catch(onError)
    },
    onError,
  })
  operations.onTaken = carrying.wake
  const kafka = findCommandKafka(config)
  const { notices } = by
  const takingOver = kafka && notices && (await startTakingOver({ ...by, kafka, notices, onTaken: carrying.wake }))
  return {
    async close() {
      await takingOver?.close()
      await carrying.close()
    },
  }
}

async function startTakingOver(by: CommandIntakeOptions): Promise<Running> {
  const { keepCommandsTakenOver } = await import('#platform/kafka/command-intake')
  return keepCommandsTakenOver(by)
}
