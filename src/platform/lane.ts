import { openLaneLoad } from './lane-load.ts'
import { defineProblems, Problem } from './problem.ts'

/** How a lane refuses. */
export const laneProblems = defineProblems('platform', {
  overloaded: {
    status: 503,
    title: { ko: '기다리는 일이 너무 많습니다', en: 'Too much is waiting' },
    detail: {
      ko: '지금은 처리할 수 없습니다. 잠시 뒤 같은 요청을 헤더까지 그대로 다시 보내 주십시오.',
      en: 'This cannot be taken on now. Send the very same request again shortly, its headers included.',
    },
  },
})

/** An input that was not decided: something it contends for is locked by others, or the batch had no room for it. */
export interface Again {
  readonly status: 'again'
  readonly isLocked: boolean
}

export interface LaneOptions<Input, Output extends { status: string }> {
  readonly name: string
  readonly batchSizeMax: number
  /** Inputs that may wait; one more is refused at once. */
  readonly queueMax: number
  /** How long those who wait may have waited; while it is longer, one more is refused at once. */
  readonly ageMaxMs: number
  /** Batches that may be under way at once. */
  readonly slots: number
  /** Batches that may be waiting for locks at once, besides. */
  readonly waitingSlots: number
  /** What an input needs for itself: of two with a name in common, one waits for the other's batch. */
  contends(input: Input): readonly string[]
  /** Decides a batch, an output for each input; only where `wait` is set may it wait for a lock. */
  run(inputs: readonly Input[], options: { wait: boolean }): Promise<readonly (Output | Again)[]>
  /** What to do about a batch that failed: run it again, run its halves to find the culprit, or fail them all. */
  classify(error: unknown): 'retry' | 'split' | 'fail'
  readonly observe?: (batch: { size: number; gatheredMs: number; ranMs: number }) => void
  /** Milliseconds that only grow; without it, those of this process. */
  readonly now?: () => number
}

export interface Lane<Input, Output> {
  /** Gives the input to the next batch; throws the problem `overloaded` at once when too many wait, or too long. */
  submit(input: Input): Promise<Output>
  /** Inputs that wait for a batch. */
  depth(): number
  /** Takes no more, and resolves when everything taken has been answered. */
  close(): Promise<void>
}

interface Entry<Input, Output> {
  readonly input: Input
  readonly names: readonly string[]
  readonly since: number
  /** Whether it found something locked before. */
  hasMissed: boolean
  resolve(output: Output): void
  reject(error: unknown): void
}

const attemptsMax = 5

/**
 * Milliseconds that callers are told for in one turn of the event loop. What they do with their answers may take longer
 * than the lane's own work, and all that time the database's reply to the next batch would not be heard.
 */
const tellingMsMax = 2

/** Told in any case: one turn for each few callers cost more than it gained. */
const toldMin = 32

/** With fewer inputs, what a batch costs by itself is more than running two side by side saves. */
const shareMin = 64

/**
 * How long an empty room stays open. Whoever comes back meanwhile queues for the lock at once; sent ahead without
 * waiting, it would find the lock taken again, and two processes on one name did half of what one does.
 */
const lingerMs = 50

/**
 * Turns concurrent single calls into batches without adding delay: while one batch is under way the next gathers, and
 * an idle lane goes at once. What twice finds something locked by others moves to a waiting room of its own, so that it
 * delays nobody.
 */
export function openLane<Input, Output extends { status: string }>(
  options: LaneOptions<Input, Output>,
): Lane<Input, Output> {
  return new BatchingLane(options)
}

/** Inputs that contend for the same names and wait for a lock together. */
interface Room<Item> {
  readonly items: Item[]
  isRunning: boolean
  usedAt: number
}

class BatchingLane<Input, Output extends { status: string }> implements Lane<Input, Output> {
  readonly #options: LaneOptions<Input, Output>
  readonly #now: () => number
  #queue: Entry<Input, Output>[] = []
  readonly #rooms = new Map<string, Room<Entry<Input, Output>>>()
  /** Names that batches under way contend for. */
  readonly #busy = new Set<string>()
  readonly #load
  #depth = 0
  #running = 0
  #waiting = 0
  #isClosing = false
  #isScheduled = false
  /** What was decided and has not been told yet, in its order. */
  readonly #answers: (() => void)[] = []
  /** How many callers can be told in a turn, by what the last ones took. */
  #toldMax = toldMin
  readonly #drained: (() => void)[] = []

  constructor(options: LaneOptions<Input, Output>) {
    this.#options = options
    this.#load = openLaneLoad(options.batchSizeMax)
    this.#now = options.now ?? (() => performance.now())
  }

  submit(input: Input): Promise<Output> {
    const { queueMax, ageMaxMs } = this.#options
    const since = this.#now()
    const names = this.#options.contends(input)
    const delayMs = this.#delayMs(names, since)
    if (this.#isClosing || this.#depth >= queueMax || delayMs > ageMaxMs) {
      const seconds = this.#load.retryAfterSeconds(this.#depth, delayMs)
      return Promise.reject(new Problem(laneProblems.overloaded, { headers: { 'Retry-After': String(seconds) } }))
    }
    return new Promise<Output>((resolve, reject) => {
      this.#depth += 1
      this.#queue.push({ input, names, since, hasMissed: false, resolve, reject })
      if (this.#running < this.#options.slots) this.#schedule()
    })
  }

  depth(): number {
    return this.#depth
  }

  close(): Promise<void> {
    this.#isClosing = true
    return new Promise((resolve) => {
      this.#drained.push(resolve)
      this.#noticeDrained()
    })
  }

  /** How long an input with these names would wait, by those behind whom it would. */
  #delayMs(names: readonly string[], now: number): number {
    const room = this.#rooms.size > 0 ? this.#rooms.get(names.join()) : undefined
    if (room) return room.items.length > 0 ? now - room.items[0]!.since : 0
    const count = this.#queue.length
    return count > 0 ? this.#load.delayMs({ count, since: this.#queue[0]!.since, now }) : 0
  }

  /** At the end of the turn, so that calls made together travel together. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#proceed()
    })
  }

  #proceed(): void {
    this.#startBatches()
    this.#enterRooms()
    this.#noticeDrained()
  }

  #noticeDrained(): void {
    const left = this.#depth + this.#running + this.#waiting + this.#answers.length
    if (left === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }

  #startBatches(): void {
    while (this.#running < this.#options.slots && this.#queue.length >= this.#startMin()) {
      const batch = this.#takeBatch()
      if (batch.length === 0) return
      const names = batch.flatMap((item) => item.names)
      for (const name of names) this.#busy.add(name)
      this.#running += 1
      const leave = () => {
        this.#running -= 1
        for (const name of names) this.#busy.delete(name)
      }
      void this.#run(batch, { wait: false, leave })
    }
  }

  /** The few wait for the batches under way, and for those who are being told and may come back. */
  #startMin(): number {
    return this.#running === 0 && this.#answers.length === 0 ? 1 : shareMin
  }

  #enterRooms(): void {
    const now = this.#now()
    for (const [name, room] of this.#rooms) {
      if (room.isRunning) continue
      if (room.items.length === 0) {
        if (now - room.usedAt > lingerMs) this.#rooms.delete(name)
        continue
      }
      if (this.#waiting >= this.#options.waitingSlots) return
      room.isRunning = true
      this.#waiting += 1
      const leave = () => {
        this.#waiting -= 1
        room.isRunning = false
        room.usedAt = this.#now()
      }
      void this.#run(room.items.splice(0, this.#options.batchSizeMax), { wait: true, leave })
    }
  }

  /**
   * The oldest inputs: a share of the queue for each free slot, and all that contend with these, since they could go
   * nowhere else. Whoever contends with a batch under way, or with somebody before who is left, is left too.
   */
  #takeBatch(): Entry<Input, Output>[] {
    const { slots, batchSizeMax } = this.#options
    const share = Math.max(shareMin, Math.ceil(this.#queue.length / (slots - this.#running)))
    const batch: Entry<Input, Output>[] = []
    const left: Entry<Input, Output>[] = []
    const taken = new Set<string>()
    const passed = new Set<string>()
    const isRoom = (names: readonly string[]) =>
      batch.length < batchSizeMax && (batch.length < share || names.some((name) => taken.has(name)))
    for (const item of this.#queue) {
      const { names } = item
      const room = this.#rooms.size > 0 ? this.#rooms.get(roomOf(item)) : undefined
      if (room) room.items.push(item)
      else if (isRoom(names) && !names.some((name) => this.#busy.has(name) || passed.has(name))) {
        batch.push(item)
        for (const name of names) taken.add(name)
      } else {
        left.push(item)
        for (const name of names) passed.add(name)
      }
    }
    this.#queue = left
    return batch
  }

  /**
   * Runs a batch. Where telling its callers takes long, its place is free, and taken again, before that; otherwise
   * after, so that those who come back travel together. In a room always after: another process has the lock first.
   */
  async #run(batch: readonly Entry<Input, Output>[], place: { wait: boolean; leave: () => void }): Promise<void> {
    const { wait, leave } = place
    const started = this.#now()
    this.#depth -= batch.length
    if (!wait) this.#load.begin(batch[0]!.since, started)
    const outputs = await this.#decide(batch, wait)
    if (outputs === 'split') {
      this.#depth += batch.length
      const middle = batch.length >> 1
      await this.#run(batch.slice(0, middle), { wait, leave: () => {} })
      return this.#run(batch.slice(middle), place)
    }
    if (outputs) this.#sort(batch, outputs)
    const telling = this.#answers.length
    if (telling > 0 && (wait || telling < this.#toldMax)) {
      this.#tell(() => {
        leave()
        this.#schedule()
      })
    } else {
      leave()
      this.#proceed()
    }
    const [size, ranMs] = [batch.length, this.#now() - started]
    if (!wait && outputs) this.#load.end(ranMs)
    this.#options.observe?.({ size, gatheredMs: started - batch[0]!.since, ranMs })
  }

  /** The outputs; or null when the batch failed and its callers know; or that its halves are to be tried. */
  async #decide(
    batch: readonly Entry<Input, Output>[],
    wait: boolean,
  ): Promise<readonly (Output | Again)[] | 'split' | null> {
    const inputs = batch.map((item) => item.input)
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#options.run(inputs, { wait })
      } catch (error) {
        const verdict = this.#options.classify(error)
        if (verdict === 'retry' && attempt < attemptsMax) continue
        if (verdict === 'split' && batch.length > 1) return 'split'
        for (const item of batch) item.reject(error)
        return null
      }
    }
  }

  /** What was decided is to be answered; what was not goes back to the front of the queue, or to a room. */
  #sort(batch: readonly Entry<Input, Output>[], outputs: readonly (Output | Again)[]): void {
    const again: Entry<Input, Output>[] = []
    for (let at = 0; at < batch.length; at += 1) {
      const item = batch[at]!
      const output = outputs[at]!
      if (output.status !== 'again') {
        this.#tell(() => item.resolve(output as Output))
        continue
      }
      this.#depth += 1
      // Most locks are gone by the next batch; a batch of its own, that waits, is for who misses again.
      if ((output as Again).isLocked && item.hasMissed) this.#roomFor(item).items.push(item)
      else again.push(item)
      item.hasMissed ||= (output as Again).isLocked
    }
    if (again.length > 0) this.#queue = [...again, ...this.#queue]
  }

  #tell(answer: () => void): void {
    if (this.#answers.push(answer) === 1) this.#answerSoon()
  }

  #answerSoon(): void {
    setImmediate(() => {
      const since = this.#now()
      const answers = this.#answers.splice(0, this.#toldMax)
      for (const answer of answers) answer()
      if (this.#answers.length > 0) this.#answerSoon()
      else this.#schedule()
      // Behind everything that the callers do at once.
      queueMicrotask(() => process.nextTick(() => this.#learn(answers.length, this.#now() - since)))
    })
  }

  #learn(told: number, tookMs: number): void {
    const fitting = tookMs > 0 ? Math.floor((told * tellingMsMax) / tookMs) : Number.POSITIVE_INFINITY
    this.#toldMax = Math.max(toldMin, Math.min(this.#options.batchSizeMax, fitting))
  }

  #roomFor(item: Entry<Input, Output>): Room<Entry<Input, Output>> {
    const name = roomOf(item)
    let room = this.#rooms.get(name)
    if (!room) {
      room = { items: [], isRunning: false, usedAt: this.#now() }
      this.#rooms.set(name, room)
    }
    return room
  }
}

function roomOf(item: { readonly names: readonly string[] }): string {
  return item.names.join()
}
