import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Again, type LaneOptions, laneProblems, openLane } from './lane.ts'
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
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

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

test('what is locked elsewhere waits in a room of its own and delays nobody else', async () => {
  const { lane, batches } = laneWith()
  const stuck = lane.submit('stuck')
  const free = lane.submit('free')
  await turn()
  batches[0]!.end([locked, done('free')])
  assert.deepEqual(await free, done('free'))
  await turn()
  assert.deepEqual([batches[1]!.inputs, batches[1]!.wait], [['stuck'], true])

  const alsoStuck = lane.submit('stuck')
  const other = lane.submit('other')
  await turn()
  assert.deepEqual([batches[2]!.inputs, batches[2]!.wait], [['other'], false])
  batches[2]!.end()
  assert.deepEqual(await other, done('other'))

  batches[1]!.end()
  assert.deepEqual(await stuck, done('stuck'))
  await turn()
  assert.deepEqual([batches[3]!.inputs, batches[3]!.wait], [['stuck'], true])
  batches[3]!.end()
  assert.deepEqual(await alsoStuck, done('stuck'))
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
  const { lane, batches } = laneWith({ slots: 2 })
  const first = lane.submit('a')
  await turn()
  const again = lane.submit('a')
  const other = lane.submit('b')
  await turn()
  assert.deepEqual(
    batches.map((batch) => batch.inputs),
    [['a'], ['b']],
  )
  batches[1]!.end()
  batches[0]!.end()
  await Promise.all([first, other])
  await turn()
  assert.deepEqual(batches[2]!.inputs, ['a'])
  batches[2]!.end()
  assert.deepEqual(await again, done('a'))
})

test('closing waits for everything that was taken and takes no more', async () => {
  const { lane, batches } = laneWith()
  const taken = lane.submit('a')
  const closed = lane.close()
  await assert.rejects(lane.submit('b'), Problem)
  await turn()
  batches[0]!.end()
  await Promise.all([taken, closed])
  assert.equal(lane.depth(), 0)
})
