import { defineProblems, Problem } from './problem.ts'

/** How a lane refuses. */
export const laneProblems = defineProblems('platform', {
  overloaded: {
    status: 503,
    title: { ko: '요청이 너무 많습니다', en: 'Too much is waiting' },
    detail: {
      ko: '지금은 처리할 수 없습니다. 잠시 뒤 같은 Idempotency-Key로 다시 보내 주십시오.',
      en: 'This cannot be taken on now. Send it again shortly, with the same Idempotency-Key.',
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
}

export interface Lane<Input, Output> {
  /** Gives the input to the next batch; throws the problem `overloaded` at once when too many wait. */
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
  resolve(output: Output): void
  reject(error: unknown): void
}

const attemptsMax = 5

/**
 * Turns concurrent single calls into batches without adding delay: while one batch is under way the next gathers, and
 * an idle lane goes at once. What is locked elsewhere moves to a waiting room of its own, so that it delays nobody.
 */
export function openLane<Input, Output extends { status: string }>(
  options: LaneOptions<Input, Output>,
): Lane<Input, Output> {
  type Item = Entry<Input, Output>
  let queue: Item[] = []
  const busy = new Set<string>()
  const rooms = new Map<string, { items: Item[]; isRunning: boolean }>()
  let depth = 0
  let running = 0
  let waiting = 0
  let isClosing = false
  let isScheduled = false
  const drained: (() => void)[] = []

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      pump()
    })
  }

  function pump(): void {
    while (running < options.slots && queue.length > 0) {
      const batch = takeBatch()
      if (batch.length === 0) break
      running += 1
      const names = batch.flatMap((item) => item.names)
      for (const name of names) busy.add(name)
      void runBatch(batch, false).finally(() => {
        running -= 1
        for (const name of names) busy.delete(name)
        settle()
      })
    }
    for (const [name, room] of rooms) {
      if (waiting >= options.waitingSlots) break
      if (!room.isRunning) enter(name, room)
    }
  }

  /** The oldest inputs, without those that contend with a batch under way or whose like is waiting already. */
  function takeBatch(): Item[] {
    const batch: Item[] = []
    const left: Item[] = []
    for (const item of queue) {
      const room = rooms.get(roomOf(item))
      if (room) room.items.push(item)
      else if (batch.length === options.batchSizeMax || item.names.some((name) => busy.has(name))) left.push(item)
      else batch.push(item)
    }
    queue = left
    return batch
  }

  function enter(name: string, room: { items: Item[]; isRunning: boolean }): void {
    const batch = room.items.splice(0, options.batchSizeMax)
    room.isRunning = true
    waiting += 1
    void runBatch(batch, true).finally(() => {
      waiting -= 1
      room.isRunning = false
      if (room.items.length === 0) rooms.delete(name)
      settle()
    })
  }

  function settle(): void {
    if (queue.length > 0 || rooms.size > 0) schedule()
    else if (running + waiting === 0) for (const resolve of drained.splice(0)) resolve()
  }

  async function runBatch(batch: readonly Item[], wait: boolean): Promise<void> {
    const started = performance.now()
    depth -= batch.length
    const inputs = batch.map((item) => item.input)
    for (let attempt = 1; ; attempt += 1) {
      try {
        answer(batch, await options.run(inputs, { wait }))
        break
      } catch (error) {
        const verdict = options.classify(error)
        if (verdict === 'retry' && attempt < attemptsMax) continue
        if (verdict === 'split' && batch.length > 1) {
          const middle = batch.length >> 1
          depth += batch.length
          await runBatch(batch.slice(0, middle), wait)
          await runBatch(batch.slice(middle), wait)
          return
        }
        for (const item of batch) item.reject(error)
        break
      }
    }
    const now = performance.now()
    options.observe?.({ size: batch.length, gatheredMs: started - batch[0]!.since, ranMs: now - started })
  }

  function answer(batch: readonly Item[], outputs: readonly (Output | Again)[]): void {
    const again: Item[] = []
    for (let at = 0; at < batch.length; at += 1) {
      const item = batch[at]!
      const output = outputs[at]!
      if (output.status !== 'again') {
        item.resolve(output as Output)
        continue
      }
      depth += 1
      if ((output as Again).isLocked) roomFor(item).items.push(item)
      else again.push(item)
    }
    if (again.length > 0) queue = [...again, ...queue]
  }

  function roomFor(item: Item): { items: Item[]; isRunning: boolean } {
    const name = roomOf(item)
    let room = rooms.get(name)
    if (!room) {
      room = { items: [], isRunning: false }
      rooms.set(name, room)
    }
    return room
  }

  return {
    submit(input) {
      if (isClosing || depth >= options.queueMax) {
        return Promise.reject(new Problem(laneProblems.overloaded, { headers: { 'Retry-After': '1' } }))
      }
      return new Promise<Output>((resolve, reject) => {
        depth += 1
        queue.push({ input, names: options.contends(input), since: performance.now(), resolve, reject })
        if (running < options.slots) schedule()
      })
    },
    depth: () => depth,
    close() {
      isClosing = true
      if (depth === 0 && running + waiting === 0) return Promise.resolve()
      return new Promise((resolve) => drained.push(resolve))
    },
  }
}

function roomOf(item: { readonly names: readonly string[] }): string {
  return item.names.join()
}
