import { setTimeout as delay } from 'node:timers/promises'
import { Consumer, type Message, type MessagesStream } from '@platformatic/kafka'
import { clientPatience } from './connection.ts'
import type { Consuming } from './consumer.ts'

type Stream = MessagesStream<Buffer, Buffer, Buffer, Buffer>
type Offset = Parameters<Consumer['commit']>[0]['offsets'][number]

const batchMax = 500
const sessionMs = 10_000
const rejoinMaxMs = 30_000
const endMaxMs = 2_000
const earliest = -2n

/** How far the messages of a generation were read; by partition. */
interface Reading {
  /** Where the group stood; in each partition that is this member's. */
  readonly committed: ReadonlyMap<string, bigint>
  readonly next: Map<string, bigint>
}

/**
 * A member of a consumer group, from its joining until something fails. The client's own ways are not safe enough here:
 *
 * - After a rebalance its buffer and its late fetches are of the generation before, so each generation gets a stream of
 *   its own, and what does not follow what came before is not taken.
 * - Told at a commit that it is of an old generation, it joins anew and commits the old offsets in the new one, which
 *   sends the group back; so it may not join by itself there, and nothing is committed backwards.
 * - When a stream closes it forgets the topics, and joins once more for the next; so they are kept.
 * - Closed during a rebalance it joins as a ghost; so it leaves first.
 * - It does not ask whether it was stopped for longer than its session; so that is asked before a batch is taken.
 */
export class Member {
  readonly #by: Consuming
  readonly #consumer: Consumer<Buffer, Buffer, Buffer, Buffer>
  readonly #signal: AbortSignal
  readonly #onProgress: () => void
  readonly #sessionMs: number
  #stream: Stream | null = null
  /** Generations of the group that this member has belonged to. */
  #generation = 0
  /** When it joined, or the group last answered it. */
  #heardAt = performance.now()
  #failure: { reason: unknown } | null = null
  #isTamed = false
  readonly #stopped = Promise.withResolvers<void>()
  /** The batch that is being taken in, or the last one. */
  #taking: Promise<void> = Promise.resolve()

  constructor(by: Consuming, { signal, onProgress }: { signal: AbortSignal; onProgress: () => void }) {
    this.#by = by
    this.#signal = signal
    this.#onProgress = onProgress
    this.#sessionMs = by.sessionMs ?? sessionMs
    this.#consumer = new Consumer({
      ...by.kafka.client,
      ...clientPatience,
      clientId: 'podo',
      groupId: by.groupId,
      sessionTimeout: this.#sessionMs,
      rebalanceTimeout: Math.max(15_000, this.#sessionMs),
      heartbeatInterval: this.#sessionMs / 10,
      retries: 5,
      retryDelay: 250,
      maxWaitTime: 250,
      maxBytes: 1 << 20,
      highWaterMark: 1_024,
      autocommit: false,
    })
    // An error that nobody hears ends the process.
    this.#consumer.on('error' as never, ((error: unknown) => this.#fail(error)) as never)
    this.#consumer.on('consumer:heartbeat:stalled', () => this.#fail(new Error('The group has not answered for long')))
    this.#consumer.on('consumer:heartbeat:end', () => {
      this.#heardAt = performance.now()
    })
    this.#consumer.on('consumer:group:join', () => {
      this.#generation += 1
      this.#heardAt = performance.now()
      by.onJoin?.()
      this.#closeStream()
    })
    signal.addEventListener('abort', this.#stop, { once: true })
  }

  /** Resolves when it is to stop; throws what failed. */
  async run(): Promise<void> {
    const reading = this.#read()
    await Promise.race([reading, this.#stopped.promise])
    // A batch that is being taken in ends; what waits for a broker need not.
    await this.#taking.catch(() => {})
    await isDone(reading)
  }

  /** Ends it, however it stands, within some seconds. */
  async leave(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#stop)
    if (this.#stream && !this.#stream.destroyed && !(await isDone(this.#stream.close()))) this.#stream.destroy()
    await isDone(this.#consumer.leaveGroup(true))
    if (!(await isDone(this.#consumer.close(true)))) this.#consumer.connections.close(() => {})
  }

  readonly #stop = () => {
    this.#stopped.resolve()
    this.#closeStream()
  }

  #closeStream(): void {
    this.#stream?.close().catch(() => {})
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason }
    this.#closeStream()
  }

  #isCurrent(generation: number): boolean {
    return this.#generation === generation && this.#failure === null && !this.#signal.aborted
  }

  async #read(): Promise<void> {
    while (!this.#signal.aborted) await this.#readGeneration()
  }

  async #readGeneration(): Promise<void> {
    const topics = [...this.#by.topics]
    const stream = await this.#consumer.consume({
      topics,
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
    })
    this.#stream = stream
    stream.on('error', (error) => this.#fail(error))
    this.#tame()
    const generation = this.#generation
    if (this.#isCurrent(generation)) await this.#readStream(stream, generation)
    if (this.#failure) throw this.#failure.reason
    if (this.#isCurrent(generation)) throw new Error('The stream of messages ended')
    if (!(await isDone(stream.close()))) throw new Error('The stream of messages does not close')
  }

  /** From now on it joins only at a heartbeat, which does so by itself. */
  #tame(): void {
    if (this.#isTamed) return
    this.#isTamed = true
    for (const topic of this.#by.topics) this.#consumer.topics.track(topic)
    this.#consumer.joinGroup = ((_options: unknown, callback: (error: Error) => void) =>
      callback(new Fenced('This member is of an old generation'))) as never
  }

  async #readStream(stream: Stream, generation: number): Promise<void> {
    const committed = await this.#findCommitted()
    await this.#passMissing(committed, generation)
    const next = new Map<string, bigint>()
    const messages = stream[Symbol.asyncIterator]()
    let committing: Promise<void> = Promise.resolve()
    while (this.#isCurrent(generation)) {
      const batch = await readBatch(stream, messages)
      while (!this.#isFresh() && this.#isCurrent(generation)) await delay(50)
      if (!batch || !this.#isCurrent(generation)) break
      const taken = follow(batch, { committed, next })
      if (taken.length > 0) this.#taking = this.#by.handle(taken)
      await this.#taking
      await committing
      // While the next batch is taken in; what fails is thrown then.
      committing = this.#commit(lastOffsets(taken), generation)
      committing.catch(() => {})
      this.#onProgress()
    }
    await committing
  }

  /** Whether the group counts on this member still: it does not know that the process was stopped. */
  #isFresh(): boolean {
    return performance.now() - this.#heardAt < this.#sessionMs * 0.8
  }

  /** Where the group stands in each partition that is this member's; where it has never been, at 0. */
  async #findCommitted(): Promise<Map<string, bigint>> {
    const assignments = this.#consumer.assignments ?? []
    const committed = assignments.length > 0 ? await this.#consumer.listCommittedOffsets({ topics: assignments }) : null
    const places = assignments.flatMap(({ topic, partitions }) =>
      partitions.map((partition): [string, bigint] => {
        const offset = committed?.get(topic)?.[partition] ?? 0n
        return [placeOf({ topic, partition }), offset < 0n ? 0n : offset]
      }),
    )
    return new Map(places)
  }

  /** What was deleted before the group had read it is told of, and passed. */
  async #passMissing(committed: ReadonlyMap<string, bigint>, generation: number): Promise<void> {
    const begins = await this.#consumer.listOffsets({ topics: [...this.#by.topics], timestamp: earliest })
    const gaps = [...begins].flatMap(([topic, offsets]) =>
      offsets.flatMap((to, partition) => {
        const from = committed.get(placeOf({ topic, partition }))
        return from !== undefined && to > from ? [{ topic, partition, from, to }] : []
      }),
    )
    if (gaps.length === 0) return
    await this.#by.onMissing(gaps)
    const offsets = gaps.map(({ topic, partition, to }) => ({ topic, partition, offset: to, leaderEpoch: -1 }))
    await this.#commit(offsets, generation)
  }

  /** In a later generation only what is this member's then, and never backwards. */
  async #commit(offsets: readonly Offset[], generation: number): Promise<void> {
    let left = offsets
    for (let seen = generation; left.length > 0; ) {
      if (this.#generation !== seen) {
        seen = this.#generation
        const committed = await this.#findCommitted()
        left = left.filter((each) => {
          const stands = committed.get(placeOf(each))
          return stands !== undefined && each.offset > stands
        })
        if (left.length === 0) return
      }
      try {
        return await this.#consumer.commit({ offsets: [...left] })
      } catch (error) {
        if (!(error instanceof Fenced)) throw error
        await this.#untilRejoined(seen)
        if (this.#generation === seen) return
      }
    }
  }

  async #untilRejoined(generation: number): Promise<void> {
    const since = performance.now()
    while (this.#isCurrent(generation)) {
      if (performance.now() - since > rejoinMaxMs) throw new Error('The group does not take this member back')
      await delay(20)
    }
  }
}

class Fenced extends Error {
  override readonly name = 'Fenced'
}

/** The messages that are there, at least one; null at the end. */
async function readBatch(stream: Stream, messages: AsyncIterator<Message>): Promise<Message[] | null> {
  const batch: Message[] = []
  do {
    const next = await messages.next()
    if (next.done) return batch.length > 0 ? batch : null
    batch.push(next.value)
  } while (batch.length < batchMax && stream.readableLength > 0)
  return batch
}

/** The messages that follow those before them: a late fetch brings some again, or leaves some out. */
function follow(batch: readonly Message[], { committed, next }: Reading): Message[] {
  return batch.filter(({ topic, partition, offset }) => {
    const place = placeOf({ topic, partition })
    const expected = next.get(place) ?? offset
    if (!committed.has(place) || offset < expected) return false
    if (offset > expected) throw new Error(`${offset} came in ${topic} ${partition} instead of ${expected}`)
    next.set(place, offset + 1n)
    return true
  })
}

function lastOffsets(messages: readonly Message[]): Offset[] {
  const last = new Map(messages.map((message) => [placeOf(message), message]))
  return [...last.values()].map(({ topic, partition, offset, leaderEpoch }) => ({
    topic,
    partition,
    offset: offset + 1n,
    leaderEpoch,
  }))
}

function placeOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}:${partition}`
}

/** Whether it ended well, and in time. */
async function isDone(ending: unknown): Promise<boolean> {
  const late = delay(endMaxMs, false, { ref: false })
  const done = Promise.resolve(ending).then(
    () => true,
    () => false,
  )
  return Promise.race([done, late])
}
