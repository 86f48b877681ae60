import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Again, type Lane, type LaneOptions, laneProblems, openLane } from './lane.ts'
import { Problem } from './problem.ts'

interface Done {
  readonly status: 'done'
  readonly input: string
}

/** A lane whose batches end when the test says so. */
function laneWith(options: Partial<LaneOptions<string, Done>> = {}) {
  const batches: { inputs: readonly string[]; wait: boolean; end: (outputs?: (Done | Again)[]) => void }[] = []
  const lane = openLane<string, Done>({
    name: 'test',
    batchSizeMax: 3,
    queueMax: 10,
    ageMaxMs: 2_000,
    slots: 1,
    waitingSlots: 1,
    contends: (input) => [input],
    run: (inputs, { wait }) =>
      new Promise((resolve) => {
        const end = (outputs?: (Done | Again)[]) => resolve(outputs ?? inputs.map(done))
        batches.push({ inputs, wait, end })
      }),
    classify: () => 'split',
    ...options,
  })
  return { lane, batches }
}

const done = (input: string): Done => ({ status: 'done', input })
const locked: Again = { status: 'again', isLocked: true }
/** Long enough for callers to be told, to come back, and for the batch after that to begin. */
async function turn() {
  for (let at = 0; at < 4; at += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('calls made together travel together, and those made meanwhile make the next batch', async () => {
  const { lane, batches } = laneWith()
  const first = [lane.submit('a'), lane.submit('b')]
  await turn()
  const second = [lane.submit('c'), lane.submit('d')]
  await turn()
  assert.deepEqual(
    batches.map((batch) => batch.inputs),
    [['a', 'b']],
  )
  batches[0]!.end()
  assert.deepEqual(await Promise.all(first), [done('a'), done('b')])
  await turn()
  assert.deepEqual(batches[1]!.inputs, ['c', 'd'])
  batches[1]!.end()
  assert.deepEqual(await Promise.all(second), [done('c'), done('d')])
})

test('one more than the queue holds is refused at once with 503 and a time to come back', async () => {
  const { lane, batches } = laneWith({ queueMax: 2 })
  const taken = [lane.submit('a'), lane.submit('b')]
  await assert.rejects(lane.submit('c'), (error) => {
    assert.ok(error instanceof Problem)
    assert.equal(error.kind, laneProblems.overloaded)
    assert.equal(error.headers['Retry-After'], '1')
    return true
  })
  await turn()
  batches[0]!.end()
  await Promise.all(taken)
})

/** What a refused call is told: when to come back. */
async function refusalOf(lane: Lane<string, Done>, input: string): Promise<string | undefined> {
  const refused: unknown = await lane.submit(input).catch((error) => error)
  assert.ok(refused instanceof Problem && refused.kind === laneProblems.overloaded, `${input} was taken`)
  return refused.headers['Retry-After']
}

test('when those who wait have waited too long already, one more is refused at once, however few they are', async () => {
  let now = 0
  const { lane, batches } = laneWith({ now: () => now, queueMax: 1_000 })
  const first = lane.submit('a')
  await turn()
  const second = lane.submit('b')
  now = 2_000
  const third = lane.submit('c')
  now = 2_001
  assert.equal(await refusalOf(lane, 'd'), '3')
  now = 60_000
  assert.equal(await refusalOf(lane, 'd'), '10')
  batches[0]!.end()
  await first
  await turn()
  batches[1]!.end()
  await Promise.all([second, third])
  const later = lane.submit('e')
  await turn()
  batches[2]!.end()
  assert.deepEqual(await later, done('e'))
})

test('when more comes than is done, what is taken waits no longer than it may, and most of the rest is done', async () => {
  let now = 0
  const waits: number[] = []
  const { lane, batches } = laneWith({
    now: () => now,
    queueMax: 100_000,
    batchSizeMax: 100,
    observe: ({ gatheredMs }) => waits.push(gatheredMs),
  })
  const count = { taken: 0, refused: 0 }
  const take = () => {
    count.taken += 1
  }
  const refuse = () => {
    count.refused += 1
  }
  for (let round = 0; round < 200; round += 1) {
    for (let at = 0; at < 200; at += 1) lane.submit('hot').then(take, refuse)
    await turn()
    now += 100
    batches[round]!.end()
    await turn()
  }
  assert.equal(count.taken, 200 * 100)
  assert.ok(Math.max(...waits) <= 2_200, `${Math.max(...waits)} ms`)
  assert.ok(count.refused > 0)
})

test('what goes into the next batch is taken, however long batches take and however few were in the last', async () => {
  let now = 0
  const { lane, batches } = laneWith({ now: () => now, queueMax: 1_000, batchSizeMax: 100, ageMaxMs: 500 })
  const calls: Promise<Done>[] = []
  for (let round = 0; round < 5; round += 1) {
    const size = round === 4 ? 100 : 1
    calls.push(...Array.from({ length: size }, () => lane.submit('hot')))
    await turn()
    now += 400
    batches[round]!.end()
    await turn()
  }
  assert.equal(batches[4]!.inputs.length, 100)
  await Promise.all(calls)
})

test('one batch that hangs keeps out nobody whose turn comes in others', async () => {
  let now = 0
  const { lane, batches } = laneWith({ now: () => now, slots: 2, queueMax: 1_000, batchSizeMax: 1_000 })
  const hung = lane.submit('hung')
  await turn()
  const blocked = lane.submit('hung')
  for (let round = 1; round <= 5; round += 1) {
    const others = Array.from({ length: 70 }, (_, at) => lane.submit(`${at}`))
    await turn()
    now += 1_000
    batches[round]!.end()
    await Promise.all(others)
    await turn()
  }
  batches[0]!.end()
  await hung
  await turn()
  batches.at(-1)!.end()
  await blocked
})

test('whoever wants what has been locked elsewhere for long is refused, and nobody else is', async () => {
  let now = 0
  const { lane, batches } = laneWith({ now: () => now })
  const first = lane.submit('stuck')
  await turn()
  batches[0]!.end([locked])
  await turn()
  batches[1]!.end([locked])
  await turn()
  const second = lane.submit('stuck')
  const other = lane.submit('other')
  await turn()
  batches[3]!.end()
  await other
  now = 2_001
  await refusalOf(lane, 'stuck')
  const free = lane.submit('free')
  await turn()
  batches[4]!.end()
  assert.deepEqual(await free, done('free'))
  batches[2]!.end()
  await first
  await turn()
  batches[5]!.end()
  await second
})

test('who is refused is told to come back when what waits will have been done', async () => {
  let now = 0
  const { lane, batches } = laneWith({ now: () => now, queueMax: 1_000, batchSizeMax: 100 })
  const calls = Array.from({ length: 1_000 }, (_, at) => lane.submit(`${at}`))
  assert.equal(await refusalOf(lane, 'early'), '1')
  await turn()
  now += 400
  batches[0]!.end()
  await turn()
  // Nine hundred wait, and a hundred are done in 400 ms.
  assert.equal(await refusalOf(lane, 'late'), '4')
  for (let batch = 1; batch < 10; batch += 1) {
    batches[batch]!.end()
    await turn()
  }
  await Promise.all(calls)
})

test('what is locked elsewhere twice waits in a room of its own and delays nobody else', async () => {
  const { lane, batches } = laneWith()
  const stuck = lane.submit('stuck')
  const free = lane.submit('free')
  await turn()
  batches[0]!.end([locked, done('free')])
  assert.deepEqual(await free, done('free'))
  await turn()
  assert.deepEqual([batches[1]!.inputs, batches[1]!.wait], [['stuck'], false])
  batches[1]!.end([locked])
  await turn()
  assert.deepEqual([batches[2]!.inputs, batches[2]!.wait], [['stuck'], true])

  const alsoStuck = lane.submit('stuck')
  const other = lane.submit('other')
  await turn()
  assert.deepEqual([batches[3]!.inputs, batches[3]!.wait], [['other'], false])
  batches[3]!.end()
  assert.deepEqual(await other, done('other'))

  batches[2]!.end()
  assert.deepEqual(await stuck, done('stuck'))
  await turn()
  assert.deepEqual([batches[4]!.inputs, batches[4]!.wait], [['stuck'], true])
  batches[4]!.end()
  assert.deepEqual(await alsoStuck, done('stuck'))
})

test('two processes on one name take turns, and queue for its lock without trying it in vain each time', async () => {
  const lock = openLock()
  let ms = 0
  const now = () => (ms += 1)
  const callers = ['a', 'b'].map(async (process) => {
    const { lane } = laneWith({ now, run: (inputs, { wait }) => lock.run(process, { inputs, wait }) })
    for (let call = 0; call < 20; call += 1) {
      await lane.submit('name')
      await lane.submit(`only in process ${process}`)
    }
  })
  await Promise.all(callers)
  assert.equal(lock.turns.join(''), 'ab'.repeat(20))
  // Each comes without knowing of the other once, and tries once more before it waits.
  assert.deepEqual(lock.triedInVain, ['b', 'b', 'a', 'a'])
})

test('who comes back within 50 ms to what was locked queues for it again, and later goes ahead with the others', async () => {
  let now = 0
  const { lane, batches } = laneWith({ now: () => now })
  const call = async (name: string, outputs?: (Done | Again)[]) => {
    const answer = lane.submit(name)
    await turn()
    const { wait } = batches.at(-1)!
    batches.at(-1)!.end(outputs)
    await turn()
    return { wait, answer }
  }
  const first = await call('name', [locked])
  batches.at(-1)!.end([locked])
  await turn()
  batches.at(-1)!.end()
  await first.answer
  const waits: boolean[] = []
  for (const waitedMs of [0, 50, 51]) {
    now += waitedMs
    await call('other')
    waits.push((await call('name')).wait)
  }
  assert.deepEqual(waits, [true, true, false])
})

test('who was told together after waiting for a lock waits for it together again', async () => {
  const { lane, batches } = laneWith({ queueMax: 1_000, batchSizeMax: 1_000 })
  const callers = Array.from({ length: 100 }, async () => {
    await lane.submit('name')
    await lane.submit('name')
  })
  await turn()
  batches[0]!.end(Array(100).fill(locked))
  await turn()
  batches[1]!.end(Array(100).fill(locked))
  await turn()
  batches[2]!.end()
  while (batches.length < 4) await turn()
  assert.deepEqual([batches[3]!.inputs.length, batches[3]!.wait], [100, true])
  batches[3]!.end()
  await Promise.all(callers)
})

test('a poisoned input fails alone, and its neighbours succeed', async () => {
  const { lane } = laneWith({
    batchSizeMax: 8,
    async run(inputs) {
      if (inputs.includes('poison')) throw new Error('invalid')
      return inputs.map(done)
    },
  })
  const settled = await Promise.allSettled(['a', 'b', 'poison', 'c', 'd'].map((input) => lane.submit(input)))
  assert.deepEqual(
    settled.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
})

test('a batch that met a deadlock is run again, five times at most', async () => {
  let attempts = 0
  const { lane } = laneWith({
    async run(inputs) {
      attempts += 1
      if (inputs[0] === 'always' || attempts < 5) throw new Error('deadlock')
      return inputs.map(done)
    },
    classify: () => 'retry',
  })
  assert.deepEqual(await lane.submit('sometimes'), done('sometimes'))
  attempts = 0
  await assert.rejects(lane.submit('always'), /deadlock/)
  assert.equal(attempts, 5)
})

test('two batches under way at once never contend for the same name', async () => {
  const { lane, batches } = laneWith({ slots: 2, queueMax: 1_000, batchSizeMax: 1_000 })
  const first = lane.submit('a')
  await turn()
  const again = lane.submit('a')
  const others = Array.from({ length: 70 }, (_, at) => lane.submit(`${at}`))
  await turn()
  assert.equal(batches.length, 2)
  assert.ok(!batches[1]!.inputs.includes('a'))
  batches[1]!.end()
  batches[0]!.end()
  await Promise.all([first, ...others])
  await turn()
  assert.deepEqual(batches[2]!.inputs, ['a'])
  batches[2]!.end()
  assert.deepEqual(await again, done('a'))
})

test('a crowd is shared among the free slots, but for those who contend for the same name', async () => {
  const { lane, batches } = laneWith({ slots: 2, queueMax: 1_000, batchSizeMax: 1_000 })
  const many = Array.from({ length: 200 }, (_, at) => lane.submit(`${at}`))
  await turn()
  assert.deepEqual(
    batches.map((batch) => batch.inputs.length),
    [100, 100],
  )
  for (const batch of batches.splice(0)) batch.end()
  await Promise.all(many)
  const hot = Array.from({ length: 200 }, () => lane.submit('hot'))
  const cold = Array.from({ length: 80 }, (_, at) => lane.submit(`${at}`))
  await turn()
  assert.deepEqual(
    batches.map((batch) => batch.inputs.length),
    [200, 80],
  )
  for (const batch of batches.splice(0)) batch.end()
  await Promise.all([...hot, ...cold])
})

test('a few who come while a batch is under way travel together after it, not one by one beside it', async () => {
  const { lane, batches } = laneWith({ slots: 2, queueMax: 1_000, batchSizeMax: 1_000 })
  const first = lane.submit('first')
  await turn()
  const few = Array.from({ length: 63 }, (_, at) => lane.submit(`${at}`))
  await turn()
  assert.equal(batches.length, 1)
  batches[0]!.end()
  await first
  await turn()
  assert.equal(batches[1]!.inputs.length, 63)
  batches[1]!.end()
  await Promise.all(few)
})

test('where there are many to tell, the next batch is under way before they are told', async () => {
  const { lane, batches } = laneWith({ queueMax: 1_000, batchSizeMax: 1_000 })
  let underWay: number | undefined
  const noted = () => {
    underWay ??= batches.length
  }
  const first = Array.from({ length: 100 }, () => lane.submit('a').then(noted))
  await turn()
  const second = Array.from({ length: 64 }, () => lane.submit('a'))
  batches[0]!.end()
  await Promise.all(first)
  assert.equal(underWay, 2)
  batches[1]!.end()
  await Promise.all(second)
})

test('where there are few to tell, those who come back at once travel with who waited', async () => {
  const { lane, batches } = laneWith({ queueMax: 1_000, batchSizeMax: 1_000 })
  const first = lane.submit('a').then(() => lane.submit('a'))
  await turn()
  const others = Array.from({ length: 64 }, () => lane.submit('a'))
  batches[0]!.end()
  await turn()
  assert.equal(batches[1]!.inputs.length, 65)
  batches[1]!.end()
  await Promise.all([first, ...others])
})

test('a crowd is told for two milliseconds at a time, and between them the process hears of other things', async () => {
  for (const { takesMs, portions } of [
    { takesMs: 1, portions: [32, 64, 96, 128, 160, 192, 200] },
    { takesMs: 1 / 64, portions: [32, 160, 200] },
    { takesMs: 0, portions: [32, 200] },
  ]) {
    let ms = 0
    const { lane, batches } = laneWith({ queueMax: 1_000, batchSizeMax: 1_000, now: () => ms })
    let told = 0
    const all = Array.from({ length: 200 }, async () => {
      await lane.submit('a')
      ms += takesMs
      told += 1
    })
    await turn()
    batches[0]!.end()
    const seen = new Set<number>()
    while (told < 200) {
      await new Promise((resolve) => setImmediate(resolve))
      seen.add(told)
    }
    assert.deepEqual([...seen].filter(Boolean), portions)
    await Promise.all(all)
  }
})

test('who contends with somebody left behind does not overtake him', async () => {
  const { lane, batches } = laneWith({ slots: 2, contends: (input) => input.split('+') })
  const first = lane.submit('a')
  await turn()
  const both = [lane.submit('a+b'), lane.submit('b')]
  await turn()
  assert.equal(batches.length, 1)
  batches[0]!.end()
  await first
  await turn()
  assert.deepEqual(batches[1]!.inputs, ['a+b', 'b'])
  batches[1]!.end()
  await Promise.all(both)
})

test('whatever is taken is answered, without anybody else coming by', async () => {
  const story = fc.record({
    slots: fc.integer({ min: 1, max: 3 }),
    takesMs: fc.constantFrom(0, 0.05, 1),
    names: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 150, size: 'max' }),
    luck: fc.array(fc.nat(9), { minLength: 97, maxLength: 97 }),
  })
  await fc.assert(
    fc.asyncProperty(story, async ({ slots, takesMs, names, luck }) => {
      let ms = 0
      let drawn = 0
      const draw = () => luck[drawn++ % luck.length]!
      const { lane } = laneWith({
        slots,
        queueMax: 1_000,
        batchSizeMax: 100,
        now: () => ms,
        async run(inputs, { wait }) {
          for (let pause = draw(); pause > 0; pause -= 1) await new Promise((resolve) => setImmediate(resolve))
          return inputs.map((input) => (!wait && draw() === 0 ? locked : done(input)))
        },
      })
      let left = names.length
      const call = async (name: number) => {
        for (let again = draw(); again > 0; again -= 1) {
          for (let pause = draw(); pause > 0; pause -= 1) await new Promise((resolve) => setImmediate(resolve))
          await lane.submit(`${name}`)
          ms += takesMs
        }
        left -= 1
      }
      for (const name of names) void call(name)
      for (let at = 0; left > 0 && at < 5_000; at += 1) await turn()
      assert.equal(left, 0)
    }),
    { numRuns: 100 },
  )
})

test('closing waits for everything that was taken and takes no more', async () => {
  const { lane, batches } = laneWith()
  let isTold = false
  const taken = lane.submit('a').then(() => {
    isTold = true
  })
  const closed = lane.close().then(() => assert.ok(isTold))
  await assert.rejects(lane.submit('b'), Problem)
  await turn()
  batches[0]!.end()
  await Promise.all([taken, closed])
  assert.equal(lane.depth(), 0)
  await lane.close()
})

/** The lock of the name in the database: those who wait for it get it in their order, the others are told that it is taken. */
function openLock() {
  const turns: string[] = []
  const triedInVain: string[] = []
  const waiting: (() => void)[] = []
  let isTaken = false
  const run = async (process: string, { inputs, wait }: { inputs: readonly string[]; wait: boolean }) => {
    if (!inputs.includes('name')) return inputs.map(done)
    if (isTaken && !wait) {
      triedInVain.push(process)
      return inputs.map(() => locked)
    }
    if (isTaken) await new Promise<void>((resolve) => waiting.push(resolve))
    isTaken = true
    turns.push(process)
    for (let pause = 0; pause < 5; pause += 1) await turn()
    const next = waiting.shift()
    isTaken = next !== undefined
    next?.()
    return inputs.map(done)
  }
  return { turns, triedInVain, run }
}
