import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { openLog } from './log.ts'
import { openMetrics } from './metrics.ts'
import { type GuardOptions, guardsOver, openGuard, Unavailable } from './resilience.ts'

const away = new Error('503')
const fails = () => Promise.reject(away)
const succeeds = () => Promise.resolve('fine')

/** A guard whose clock stands, and what came of what was called. */
function guardWith(options: Partial<GuardOptions> = {}) {
  const clock = { ms: 1_000 }
  const limits = { name: 'bank', timeoutMs: 1_000, concurrentMax: 5, waitingMax: 0, openMs: 5_000 }
  const guard = openGuard({ ...limits, now: () => clock.ms, ...options })
  const resultOf = (run: () => Promise<unknown>) => guard.call(run).catch((error: Error) => error)
  return { guard, clock, resultOf }
}

/** Timers that go by when the test says so. */
function stopTimers({ mock }: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  return async (ms: number) => {
    await settle()
    mock.timers.tick(ms)
    await settle()
  }
}

/** All that is to be done without time passing is done. */
async function settle() {
  for (let at = 0; at < 3; at += 1) await new Promise((resolve) => setImmediate(resolve))
}

test('the breaker opens at 40 % of the last 20 calls, once there were 10, and at nothing less', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (outcomes) => {
      const { guard, resultOf } = guardWith()
      const window: boolean[] = []
      for (const isFine of outcomes) {
        await resultOf(isFine ? succeeds : fails)
        window.push(isFine)
        const last = window.slice(-20)
        const failed = last.filter((it) => !it).length
        // What succeeds never opens it.
        const isOpen = !isFine && last.length >= 10 && failed * 10 >= last.length * 4
        assert.equal(guard.state, isOpen ? 'open' : 'closed', JSON.stringify(window))
        if (isOpen) return
      }
    }),
    { examples: [[[...Array(12).fill(true), ...Array(8).fill(false)]], [Array(10).fill(false)]] },
  )
})

test('while it is open nothing is asked, and callers are told at once when to come back', async () => {
  const { guard, clock, resultOf } = guardWith()
  for (let at = 0; at < 10; at += 1) assert.equal(await resultOf(fails), away)
  clock.ms += 1_500
  let asked = 0
  const refused = await resultOf(async () => {
    asked += 1
  })
  assert.ok(refused instanceof Unavailable)
  assert.deepEqual([guard.state, asked, refused.retryAfterSeconds], ['open', 0, 4])
})

test('one call tries a service that was away, all others are refused meanwhile, and its success lets everybody in', async () => {
  const { guard, clock, resultOf } = guardWith()
  for (let at = 0; at < 10; at += 1) await resultOf(fails)
  clock.ms += 5_000
  const probe = Promise.withResolvers<string>()
  const probing = resultOf(() => probe.promise)
  await settle()
  assert.equal(guard.state, 'half-open')
  assert.ok((await resultOf(succeeds)) instanceof Unavailable)
  probe.resolve('back')
  assert.equal(await probing, 'back')
  assert.deepEqual([guard.state, await resultOf(succeeds)], ['closed', 'fine'])
})

test('a probe that fails keeps everybody out for as long again, and a clock that is set back for no longer', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const { guard, clock, resultOf } = guardWith()
  for (let at = 0; at < 10; at += 1) await resultOf(fails)
  clock.ms += 5_000
  t.mock.timers.setTime(0)
  assert.equal(await resultOf(fails), away)
  clock.ms += 4_999
  assert.ok((await resultOf(succeeds)) instanceof Unavailable)
  clock.ms += 1
  assert.deepEqual([await resultOf(succeeds), guard.state], ['fine', 'closed'])
})

test('what hangs is given up in time, told so, leaves its room, and opens the breaker', async (t) => {
  const pass = stopTimers(t)
  const { guard, resultOf } = guardWith({ concurrentMax: 2 })
  const signals: AbortSignal[] = []
  const deaf = () =>
    guard
      .call((signal) => {
        signals.push(signal)
        return new Promise<never>(() => {})
      })
      .catch((error: Error) => error)
  for (let round = 0; round < 5; round += 1) {
    const calls = [deaf(), deaf()]
    await pass(999)
    assert.ok((await resultOf(succeeds)) instanceof Unavailable)
    await pass(1)
    for (const call of calls) assert.ok((await call) instanceof Unavailable)
  }
  assert.deepEqual([guard.state, signals.length], ['open', 10])
  assert.ok(signals.every(({ aborted }) => aborted))
})

test('those who wait for room have the time of their own call, and one more than may wait is refused at once', async (t) => {
  const pass = stopTimers(t)
  const { guard, resultOf } = guardWith({ concurrentMax: 1, waitingMax: 1 })
  const first = resultOf(() => new Promise(() => {}))
  await pass(600)
  let asked = 0
  const second = resultOf(async () => {
    asked += 1
    return 'second'
  })
  assert.match(String(await resultOf(succeeds)), /Too many calls of bank/)
  await pass(400)
  assert.match(String(await first), /bank did not answer in time/)
  assert.deepEqual([await second, asked, guard.state], ['second', 1, 'closed'])
})

test('in an outage of any length a service is asked at most 1.1 times for each call', async (t) => {
  const pass = stopTimers(t)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 2, max: 5 }), async (calls, attemptsMax) => {
      const { clock, resultOf } = guardWith({ attemptsMax, timeoutMs: 60_000, openMs: 1 })
      let asked = 0
      for (let at = 0; at < calls; at += 1) {
        clock.ms += 1
        const result = resultOf(() => {
          asked += 1
          return fails()
        })
        await pass(10_000)
        assert.ok((await result) instanceof Error)
      }
      assert.ok(asked <= calls * 1.1, `${asked} attempts for ${calls} calls`)
    }),
    { numRuns: 30 },
  )
})

test('what fails now and then is tried again after a pause, within its time; what may not be done twice is not', async (t) => {
  const pass = stopTimers(t)
  const { resultOf } = guardWith({ attemptsMax: 3 })
  for (let at = 0; at < 20; at += 1) await resultOf(succeeds)
  let asked = 0
  const onceAway = () => {
    asked += 1
    return asked === 1 ? fails() : succeeds()
  }
  const result = resultOf(onceAway)
  await settle()
  assert.equal(asked, 1)
  await pass(100)
  assert.deepEqual([await result, asked], ['fine', 2])
  const { resultOf: once } = guardWith()
  for (let at = 0; at < 20; at += 1) await once(succeeds)
  asked = 0
  assert.deepEqual([await once(onceAway), asked], [away, 1])
})

test('what is to be tried again, of a service that is away by then, is refused and not tried any more', async (t) => {
  const pass = stopTimers(t)
  const shares = [0.1, 0.2, 0.3, 0.4, 0.5]
  t.mock.method(Math, 'random', () => shares.shift() ?? 0.9)
  const { guard, resultOf } = guardWith({ attemptsMax: 5 })
  for (let at = 0; at < 100; at += 1) await resultOf(succeeds)
  const refused: unknown[] = []
  for (let at = 0; at < 5; at += 1) void resultOf(fails).then((error) => refused.push(error))
  for (let at = 0; at < 5; at += 1) await pass(10)
  assert.equal(guard.state, 'open')
  assert.equal(refused.filter((error) => error instanceof Unavailable).length, 2)
})

test('a call whose time is up in the pause between two attempts asks no more', async (t) => {
  const pass = stopTimers(t)
  const { resultOf } = guardWith({ attemptsMax: 3, timeoutMs: 1 })
  for (let at = 0; at < 20; at += 1) await resultOf(succeeds)
  t.mock.method(Math, 'random', () => 0.5)
  let asked = 0
  const result = resultOf(() => {
    asked += 1
    return fails()
  })
  await pass(1)
  assert.match(String(await result), /in time/)
  await pass(1_000)
  assert.equal(asked, 1)
})

test('a service that refuses is there: its refusals reach the caller, are not tried again and open nothing', async () => {
  const refusal = new Error('400')
  const { guard, resultOf } = guardWith({ attemptsMax: 3, isFailure: (error) => error !== refusal })
  let asked = 0
  for (let at = 0; at < 40; at += 1) {
    const result = await resultOf(() => {
      asked += 1
      return Promise.reject(refusal)
    })
    assert.equal(result, refusal)
  }
  assert.deepEqual([guard.state, asked], ['closed', 40])
})

test('the state of every guard and what came of its calls are shown as metrics', async () => {
  const metrics = openMetrics({ withProcess: false })
  const { resultOf } = guardWith({ metrics })
  guardWith({ metrics, name: 'mail' })
  await resultOf(succeeds)
  for (let at = 0; at < 9; at += 1) await resultOf(fails)
  await resultOf(succeeds)
  const text = await metrics.text()
  for (const line of [
    'podo_outside_state{service="bank"} 2',
    'podo_outside_state{service="mail"} 0',
    'podo_outside_calls_total{service="bank",result="answered"} 1',
    'podo_outside_calls_total{service="bank",result="failed"} 9',
    'podo_outside_calls_total{service="bank",result="away"} 1',
  ])
    assert.ok(text.includes(line), text)
})

test('that a service is away, and that it is back, is said in the log once each', async () => {
  const lines: string[] = []
  const log = openLog({ level: 'info', write: (line) => lines.push(line) })
  const openGuard = guardsOver({ metrics: openMetrics({ withProcess: false }), log })
  const guard = openGuard({ name: 'bank', timeoutMs: 1_000, concurrentMax: 1, waitingMax: 0, openMs: 0 })
  for (let at = 0; at < 12; at += 1) await guard.call(fails).catch(() => {})
  await guard.call(succeeds)
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ level, service, msg }) => [level, service, msg]),
    [
      ['warn', 'bank', 'An outside service is away: it is asked now and then'],
      ['info', 'bank', 'An outside service is back'],
    ],
  )
})
