import { setTimeout as delay } from 'node:timers/promises'
import type { Message } from '@platformatic/kafka'
import { failureOf } from '../database.ts'
import { databaseNow } from '../database-time.ts'
import { UnreadableEvent } from '../events/cloud-events.ts'
import type { Running } from '../events/relay.ts'
import type { Logger } from '../log.ts'
import { openCommand } from '../operations/commands.ts'
import { insertPromised, type SealedCommand } from '../operations/store.ts'
import type { Sealing } from '../sealing.ts'
import { system, type WithWork } from '../work.ts'
import { commandTopicOf } from './command-topic.ts'
import type { KafkaSettings } from './connection.ts'
import { keepConsuming } from './consumer.ts'
import { toUnreadable } from './messages.ts'
import type { Notices } from './notices.ts'
import { openSender, type Sender } from './producer.ts'

/** What taking commands over from Kafka needs. */
export interface CommandIntakeOptions {
  readonly kafka: KafkaSettings
  readonly withWork: WithWork
  readonly sealing: Sealing
  readonly log: Logger
  readonly notices: Notices
  /** Told when there is something to carry out. */
  readonly onTaken: () => void
}

const againMs = 200

/**
 * Takes commands over into the database, in the order of the topic and each once, in one process of all that keep this;
 * for as long as the database is away they wait. What nobody wrote who has our secret goes to the dead letters.
 */
export function keepCommandsTakenOver(by: CommandIntakeOptions): Running {
  const { kafka, log, notices } = by
  const topic = commandTopicOf(kafka)
  const groupId = topic
  const stop = new AbortController()
  const sender = openSender({ kafka, onProblem: notices.away, onSuccess: notices.reached })
  const consuming = keepConsuming({
    kafka,
    groupId,
    topics: [topic],
    handle: (messages) => takeOver({ ...by, sender, groupId, signal: stop.signal }, messages),
    onJoin: () => notices.joined(groupId),
    onRestart: (error) => notices.restarted(groupId, error),
    async onMissing(gaps) {
      for (const { partition, from, to } of gaps)
        log.error({ topic, partition, from: String(from), to: String(to) }, 'Requests that were taken on are gone')
    },
  })
  return {
    async close() {
      stop.abort()
      notices.close()
      await Promise.all([consuming.close(), sender.close()])
    },
  }
}

interface TakingOver extends CommandIntakeOptions {
  readonly sender: Sender
  readonly groupId: string
  readonly signal: AbortSignal
}

async function takeOver(by: TakingOver, messages: readonly Message[]): Promise<void> {
  const { sealing, sender, groupId, notices, signal } = by
  const commands: SealedCommand[] = []
  const unreadable: Message[] = []
  for (const message of messages) {
    const request = message.value?.toString() ?? ''
    const command = openCommand(sealing, request)
    if (command) commands.push({ ...command, request })
    else unreadable.push(message)
  }
  if (unreadable.length > 0) {
    const error = new UnreadableEvent('It was not sealed with the secret of this service')
    const at = databaseNow()
    await sender.send(unreadable.map((message) => toUnreadable(message, { group: groupId, error, at })))
    for (const message of unreadable) notices.unreadable(groupId, { message, error })
  }
  await insertWhenThere(by, commands)
  by.onTaken()
  signal.throwIfAborted()
}

/** Joining the group anew each time would take longer than the database's being away. */
async function insertWhenThere({ withWork, signal }: TakingOver, commands: readonly SealedCommand[]): Promise<void> {
  if (commands.length === 0) return
  for (;;) {
    try {
      return await withWork(system, (work) => insertPromised(work.sql, commands))
    } catch (error) {
      if (failureOf(error) !== 'unavailable' || signal.aborted) throw error
      await delay(againMs, undefined, { signal }).catch(() => {})
    }
  }
}
