import { Redis as Client, type RedisOptions } from 'ioredis'
import { newId } from '../ids.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { openGuard } from '../resilience.ts'
import { endConnectionsThatTalkNonsense } from './replies.ts'

/** A Redis or Valkey that may be away, hang or answer nonsense at any time, and holds nothing that is nowhere else. */
export interface Redis {
  /**
   * What `run` answered. Null, within 50 ms, where Redis is away, slow or answers with an error; at once while it is
   * known to be so. What was asked may have been done nevertheless.
   */
  ask<T>(run: (client: Client) => Promise<T>): Promise<T | null>
  /** Another connection, for what takes one for itself; it closes with this. */
  another(): Client
  /** Told whenever Redis is there that was not, or no longer holds what it held: what it is to hold is to be put in. */
  onBack(hear: () => void): void
  /** Whether it answered when last asked, which is twice a second. */
  isThere(): boolean
  close(): Promise<void>
}

/** Where a Redis is. */
export interface RedisPlace {
  readonly url: string
  /** What the names of keys and channels begin with. */
  readonly prefix: string
}

const answerMsUsually = 40
/** For so long nothing is asked of a Redis that is away, until one call tries it. */
const openMs = 1_000
const concurrentMax = 1_000
const lookEveryMs = 500
/** One answer may be late because this process is. */
const missedMax = 2

const patience: RedisOptions = {
  connectTimeout: 1_000,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  retryStrategy: (attempts) => Math.min(50 * 2 ** attempts, 1_000),
  // A machine that is gone says nothing: its connections end when it has not answered for so long.
  socketTimeout: 5_000,
  disconnectTimeout: 100,
}

export interface RedisOpening extends RedisPlace {
  readonly log: Logger
  readonly metrics?: Metrics
  /** How long an answer is waited for: 40 ms, unless this connection is a worker's, behind which nobody waits. */
  readonly answerMs?: number
}

/** Connects, and goes on trying to. */
export function openRedis(by: RedisOpening): Redis {
  const { url, prefix, log, metrics, answerMs = answerMsUsually } = by
  endConnectionsThatTalkNonsense()
  const open = (options: RedisOptions) => {
    const client = new Client(url, { ...patience, ...options })
    client.on('error', (error) => {
      problem = error.message
    })
    return client
  }
  let problem = 'It does not answer.'
  const client = open({ keyPrefix: prefix, commandTimeout: answerMs })
  const others: Client[] = []
  const hearers: (() => void)[] = []
  let known: string | null = null
  let missed = 0
  let isClosed = false

  const guard = openGuard({
    name: 'redis',
    timeoutMs: answerMs,
    concurrentMax,
    waitingMax: 0,
    openMs,
    ...(metrics ? { metrics } : {}),
  })
  const ask = <T>(run: (client: Client) => Promise<T>): Promise<T | null> =>
    guard.call(() => run(client)).catch(() => null)

  /** What Redis holds has a name, which whoever finds it empty gives it. */
  const look = async () => {
    const generation = await ask((asked) =>
      findGeneration(asked).catch((error) => {
        if (error.name === 'ReplyError') problem = error.message
        throw error
      }),
    )
    for (const other of others) other.ping().catch(() => {})
    if (isClosed) return
    missed = generation === null ? missed + 1 : 0
    if (missed === missedMax) log.warn(`Redis is away, and done without: ${problem}`)
    const isNew = generation !== null && generation !== known
    if (isNew || missed >= missedMax) known = generation
    if (!isNew) return
    log.info('Redis is there')
    for (const hear of hearers) hear()
  }
  const looking = setInterval(look, lookEveryMs)
  client.on('ready', look)

  return {
    ask,
    another() {
      const other = open({ commandTimeout: 1_000 })
      others.push(other)
      return other
    },
    onBack: (hear) => void hearers.push(hear),
    isThere: () => known !== null,
    async close() {
      isClosed = true
      clearInterval(looking)
      await Promise.all([client, ...others].map(end))
    },
  }
}

async function findGeneration(client: Client): Promise<string> {
  const replies = await client.pipeline().set('generation', newId(), 'NX').get('generation').exec()
  const [refusal] = replies?.[0] ?? []
  if (refusal) throw refusal
  const generation = replies?.[1]?.[1]
  if (typeof generation !== 'string') throw new Error('The answer is none')
  return generation
}

async function end(client: Client): Promise<void> {
  const isOpen = client.status !== 'end' && client.status !== 'reconnecting'
  const ended = isOpen && new Promise((resolve) => client.once('end', resolve))
  client.disconnect()
  await ended
}
