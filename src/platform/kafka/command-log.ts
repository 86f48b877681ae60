import { setTimeout as delay } from 'node:timers/promises'
import { unavailable } from '../http-problems.ts'
import type { Logger } from '../log.ts'
import type { CommandLog } from '../operations/taking.ts'
import { openOutage } from '../outage.ts'
import { askTogether } from '../questions.ts'
import { StartProblem } from '../start-problem.ts'
import { commandTopicOf, findCommandLengthMax, findRisks, makeCommandTopic, tooLittle } from './command-topic.ts'
import { type KafkaSettings, kafkaProblem } from './connection.ts'
import { openSender } from './producer.ts'
import { openAdmin } from './topics.ts'

/** How long a request waits for the brokers, and how long the start does. */
const appendMaxMs = 3_000
const startMaxMs = 5_000
const lookAgainMs = 1_000

/** What a command log needs. */
export interface CommandLogOptions {
  readonly kafka: KafkaSettings
  /** Whether commands are kept also where the death of one broker may lose some. */
  readonly isRiskTaken: boolean
  readonly log: Logger
}

/** A command log in Kafka. */
export interface KafkaCommandLog extends CommandLog {
  /**
   * Sees that the topic is there and keeps what it acknowledges; where no broker answers, goes on looking, and keeps
   * nothing until then. Throws a StartProblem where it may lose commands.
   */
  start(): Promise<void>
  close(): Promise<void>
}

/** Opens the log: what is appended together is sent together, one batch after the other. */
export function openCommandLog({ kafka, isRiskTaken, log }: CommandLogOptions): KafkaCommandLog {
  const topic = commandTopicOf(kafka)
  const stop = new AbortController()
  const outage = openOutage<unknown>((error) =>
    log.warn(`Kafka takes no requests on; they are carried out at once, or refused: ${kafkaProblem(error)}`),
  )
  const sender = openSender({ kafka, onProblem: outage.noticed, onSuccess: outage.reached })
  /** What is sealed is ASCII; nothing is taken on before the topic is found. */
  let lengthMax = 0
  /** What was sent and not acknowledged in time; what it is may be written still. */
  let isStuck = false
  let looking: Promise<void> = Promise.resolve()

  const look = async () => {
    const admin = openAdmin(kafka)
    try {
      await makeCommandTopic(admin, { kafka, isRiskTaken })
      const risks = isRiskTaken ? [] : await findRisks(admin, kafka)
      if (risks.length > 0) throw tooLittle(topic, risks)
      lengthMax = await findCommandLengthMax(admin, kafka)
      outage.reached()
    } finally {
      await admin.close().catch(() => {})
    }
  }
  const lookOn = async () => {
    while (lengthMax === 0 && !stop.signal.aborted) {
      await look().catch((error) => {
        if (error instanceof StartProblem) log.error(error.text.en)
        else outage.noticed(error)
      })
      await delay(lookAgainMs, undefined, { signal: stop.signal }).catch(() => {})
    }
  }

  const append = askTogether<Parameters<CommandLog['append']>[0], true>({
    name: 'commands',
    async ask(commands) {
      // They waited for those that were sent before, and have not been sent themselves.
      if (isStuck) throw unavailable()
      const sending = sender.send(
        commands.map(({ orderKey, request }) => ({ topic, key: Buffer.from(orderKey), value: Buffer.from(request) })),
      )
      isStuck = await isLate(sending, appendMaxMs)
      if (!isStuck) return commands.map(() => true as const)
      sending.then(
        () => {
          isStuck = false
        },
        () => {
          isStuck = false
        },
      )
      throw unavailable()
    },
  })
  return {
    isReadyFor: ({ request }) => !isStuck && request.length <= lengthMax,
    async append(command) {
      await append(command)
    },
    async start() {
      const first = look()
      first.catch(() => {})
      const error = await Promise.race([first, delay(startMaxMs)]).catch((error) => error)
      if (error instanceof StartProblem) throw error
      if (error) outage.noticed(error)
      looking = first.catch(() => {}).then(lookOn)
    },
    async close() {
      stop.abort()
      await sender.close()
      await looking
    },
  }
}

/** Whether something has not ended after so long; throws what it throws. */
async function isLate(running: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController()
  try {
    const late = delay(ms, true, { signal: timer.signal })
    late.catch(() => {})
    return await Promise.race([running.then(() => false), late])
  } finally {
    timer.abort()
  }
}
