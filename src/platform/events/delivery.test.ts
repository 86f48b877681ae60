import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type House, openHouse, type Process, until } from '#test/harness'
import { testEvents } from '#test/test-events'
import { findAlert } from '../alerts.ts'
import { newId } from '../ids.ts'
import { system, type Work } from '../work.ts'
import {
  anyDeadLetter,
  type DeadLetterFilter,
  listDeadLetters,
  raiseDeadLetterAlert,
  redriveDeadLetters,
  takeDeadLetter,
} from './dead-letters.ts'
import { type Patience, type Subscriber, usualPatience } from './delivery.ts'
import { type Event, emit, outbox } from './events.ts'
import { findBehind } from './lag.ts'
import { openLocalDelivery } from './local.ts'
import { numberEvents } from './numbering.ts'
import { openSubscription } from './store.ts'

const sources = [outbox]
/** Each says a hundred things, one of them poisoned. */
const keysMax = process.env.PODO_TEST_LONG === '1' ? 100 : 20
const atOnce: Patience = { attemptsMax: 5, delayMs: () => 0 }

/** A house that says things, with one who listens and writes down what it heard. */
async function openListening(t: Parameters<typeof openHouse>[0], options: { patience?: Patience } = {}) {
  const house = await openHouse(t)
  await house.ownerSql.run('create table heard (number bigint, key uuid, said text, at bigserial)')
  await house.ownerSql.run('grant all on heard to podo_service')
  await house.ownerSql.run('grant all on sequence heard_at_seq to podo_service')
  let fails: (event: Event) => boolean = () => false
  const failures: { said: unknown; attempts: number; isDead: boolean }[] = []
  const subscriber: Subscriber = {
    name: 'listener',
    types: ['test.said'],
    async handle(work, events) {
      for (const { number, key, data } of events)
        work.sql.send('insert into heard values ($1, $2, $3)', [number, key, data.said])
      const bad = events.find(fails)
      if (bad) throw new Error(`cannot bear ${bad.data.said}`)
    },
  }
  const openDelivery = ({ database, withWork }: Process) =>
    openLocalDelivery({
      reads: database,
      withWork,
      sources,
      subscriber,
      patience: options.patience ?? atOnce,
      onFailure: ({ event, attempts, isDead }) => failures.push({ said: event.data.said, attempts, isDead }),
    })
  const delivery = openDelivery(house)
  await delivery.next()
  return {
    house,
    failures,
    delivery,
    secondDelivery: () => openDelivery(house.second()),
    say: (key: string, ...said: string[]) =>
      house.withWork(system, async (work) => {
        for (const each of said) emit(work, { kind: testEvents.said, key, data: { said: each } })
      }),
    failOn(test: (said: string) => boolean) {
      fails = ({ data }) => test(String(data.said))
    },
    async drain() {
      await numberAll(house)
      while (await delivery.next());
    },
    heard: async (key?: string) =>
      (
        await house.ownerSql.rows<{ said: string }>(
          'select said from heard where key = coalesce($1::uuid, key) order by at',
          [key ?? null],
        )
      ).map(({ said }) => said),
    dead: () =>
      house.ownerSql.rows<{ said: string; attempts: number; error: string }>(
        `select event->'data'->>'said' as said, attempts, error from platform.dead_letter order by number`,
      ),
  }
}

async function numberAll(house: House): Promise<void> {
  await until('all is numbered', async () => {
    await house.withWork(system, (work) => numberEvents(work, { sources }))
    const [row] = await house.ownerSql.rows<{ left: number }>(
      'select count(*) as left from platform.outbox o, platform.event_mark m where o.position >= m.position',
    )
    return row!.left === 0
  })
}

describe('a subscriber', () => {
  it('hears what was said in committed work, in the order of its key, and nothing of what was undone', async (t) => {
    const it = await openListening(t)
    const key = newId()
    await it.say(key, 'one', 'two')
    await assert.rejects(
      it.house.withWork(system, async (work) => {
        emit(work, { kind: testEvents.said, key, data: { said: 'never' } })
        throw new Error('undone')
      }),
    )
    await it.say(key, 'three')
    await it.drain()
    assert.deepEqual(await it.heard(), ['one', 'two', 'three'])
  })

  it('hears only the types that it asked for, and is not held up by others', async (t) => {
    const it = await openListening(t)
    await it.house.withWork(system, async (work) => {
      for (let at = 0; at < 50; at += 1) emit(work, { kind: testEvents.other, key: newId(), data: { said: 'nothing' } })
    })
    await it.say(newId(), 'mine')
    await it.drain()
    assert.deepEqual(await it.heard(), ['mine'])
  })

  it('is not told twice of what it took in, though its place was lost', async (t) => {
    const it = await openListening(t)
    await it.say(newId(), 'once')
    await it.drain()
    await it.house.ownerSql.run('update platform.subscription set number = 0')
    const again = openLocalDelivery({
      reads: it.house.database,
      withWork: it.house.withWork,
      sources,
      subscriber: { name: 'listener', types: ['test.said'], handle: () => assert.fail('told twice') },
      patience: atOnce,
      onFailure: ({ error }) => assert.fail(String(error)),
    })
    while (await again.next());
    assert.deepEqual(await it.heard(), ['once'])
  })

  it('knows where it stands, though several processes begin with it at once', async (t) => {
    const { database } = await openHouse(t, { poolSize: 10 })
    for (const name of ['one', 'two', 'three'])
      assert.deepEqual(
        await Promise.all(Array.from({ length: 10 }, () => openSubscription(database, name))),
        Array.from({ length: 10 }, () => 0),
      )
  })
})

describe('an event that fails', () => {
  it('stops those of its key until it succeeds, and no others', async (t) => {
    const it = await openListening(t, { patience: { attemptsMax: 5, delayMs: () => 0 } })
    const [bad, good] = [newId(), newId()]
    let isBroken = true
    it.failOn((said) => isBroken && said === 'b1')
    await it.say(bad, 'b0', 'b1', 'b2')
    await it.say(good, 'g0', 'g1')
    await numberAll(it.house)
    await it.delivery.next()
    assert.deepEqual(await it.heard(bad), ['b0'])
    assert.deepEqual(await it.heard(good), ['g0', 'g1'])
    isBroken = false
    await it.drain()
    assert.deepEqual(await it.heard(bad), ['b0', 'b1', 'b2'])
    assert.deepEqual(await it.dead(), [])
  })

  it('goes to the dead letters after five attempts, and those behind it are heard', async (t) => {
    const it = await openListening(t)
    const key = newId()
    it.failOn((said) => said === 'bad')
    await it.say(key, 'before', 'bad', 'after', 'later')
    await it.drain()
    assert.deepEqual(await it.heard(key), ['before', 'after', 'later'])
    assert.deepEqual(await it.dead(), [{ said: 'bad', attempts: 5, error: 'Error: cannot bear bad' }])
    assert.deepEqual(
      it.failures.map(({ attempts, isDead }) => [attempts, isDead]),
      [1, 2, 3, 4, 5].map((attempts) => [attempts, attempts === 5]),
    )
  })

  it('waits longer each time, by no more and no less than a half of what was meant', () => {
    const delays = Array.from({ length: 1_000 }, () => [1, 2, 3, 4].map(usualPatience.delayMs))
    for (const [at, meant] of [1_000, 4_000, 16_000, 64_000].entries())
      for (const each of delays) assert.ok(each[at]! >= meant / 2 && each[at]! <= meant * 1.5)
  })

  it('is not lost: with one of a hundred poisoned, each is done or dead, in order, or sent again', async (t) => {
    const it = await openListening(t)
    const keys = Array.from({ length: keysMax }, newId)
    let isBroken = true
    it.failOn((said) => isBroken && said.endsWith('7!'))
    for (let at = 0; at < 100; at += 1)
      await it.house.withWork(system, async (work) => {
        for (const [place, key] of keys.entries()) {
          const said = `${String(at).padStart(2, '0')}${place === at ? '-7!' : ''}`
          emit(work, { kind: testEvents.said, key, data: { said } })
        }
      })
    await it.drain()
    const dead = await it.dead()
    assert.equal(dead.length, keys.length)
    assert.equal((await it.heard()).length, 99 * keys.length)
    for (const key of keys) {
      const heard = await it.heard(key)
      assert.deepEqual(heard, heard.toSorted())
    }
    isBroken = false
    const again = { filter: anyDeadLetter, limit: 1_000 }
    const redrive = async () => (await it.house.withWork(system, (work) => redriveDeadLetters(work, again))).length
    assert.deepEqual([await redrive(), await redrive()], [keys.length, 0])
    await it.drain()
    assert.deepEqual([await it.dead(), (await it.heard()).length], [[], 100 * keys.length])
    assert.equal(new Set((await it.heard()).filter((said) => said.endsWith('7!'))).size, keys.length)
  })
})

describe('two who deliver to one subscriber at once', () => {
  it('have one effect an event, in the order of its key, whatever fails meanwhile', async (t) => {
    const it = await openListening(t, { patience: { attemptsMax: 1_000, delayMs: () => 0 } })
    const other = it.secondDelivery()
    const keys = Array.from({ length: 8 }, newId)
    it.failOn(() => Math.random() < 0.1)
    const said = Array.from({ length: 40 }, (_, at) => String(at).padStart(2, '0'))
    for (const each of said)
      await it.house.withWork(system, async (work) => {
        for (const key of keys) emit(work, { kind: testEvents.said, key, data: { said: each } })
      })
    await numberAll(it.house)
    await other.next()
    await until('all was heard', async () => {
      await Promise.all([it.delivery.next(), other.next()])
      return (await it.heard()).length >= keys.length * said.length
    })
    for (const key of keys) assert.deepEqual(await it.heard(key), said)
    assert.deepEqual(await it.dead(), [])
  })

  it('try again what crossed, which is no failure', async (t) => {
    const it = await openListening(t)
    let crossings = 3
    it.failOn(() => {
      crossings -= 1
      if (crossings >= 0) throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
      return false
    })
    await it.say(newId(), 'one')
    await it.drain()
    assert.deepEqual(await it.heard(), ['one'])
    assert.deepEqual(it.failures, [])
  })
})

describe('who is behind', () => {
  it('is nobody of whom everything was looked through, be it in vain, and nobody who is not heard here', async (t) => {
    const it = await openListening(t)
    const { database, withWork } = it.house
    await openSubscription(database, 'nobody here')
    await withWork(system, async (work) => {
      for (let at = 0; at < 10; at += 1) emit(work, { kind: testEvents.other, key: newId(), data: { said: at } })
    })
    await numberAll(it.house)
    const behind = async () => Object.fromEntries(await findBehind(database, ['listener']))
    assert.deepEqual(await behind(), { listener: 10 })
    await it.delivery.next()
    assert.deepEqual(await behind(), { listener: 0 })
    await withWork(system, async (work) => emit(work, { kind: testEvents.other, key: newId(), data: { said: 10 } }))
    await numberAll(it.house)
    await until('it is noted', async () => {
      await it.delivery.next()
      return (await behind()).listener === 0
    })
  })
})

describe('dead letters', () => {
  const all = anyDeadLetter

  it('are sent again one, many or all, and twice has one effect', async (t) => {
    const it = await openListening(t)
    const { database, withWork } = it.house
    let isBroken = true
    it.failOn((said) => isBroken && said.startsWith('bad'))
    const [one, two] = [newId(), newId()]
    await it.say(one, 'bad 1', 'good')
    await it.say(two, 'bad 2', 'bad 3')
    await it.drain()
    const letters = await listDeadLetters(database, { filter: all, after: null, limit: 10 })
    assert.deepEqual(
      letters.map(({ event, attempts, error }) => [event.data.said, attempts, error]).toSorted(),
      ['bad 1', 'bad 2', 'bad 3'].map((said) => [said, 5, `Error: cannot bear ${said}`]),
    )
    isBroken = false
    const redrive = async (more: Partial<DeadLetterFilter>) => {
      const filter = { ...all, ...more }
      return (await withWork(system, (work) => redriveDeadLetters(work, { filter, limit: 100 }))).length
    }
    const first = letters.find(({ event }) => event.key === one)!
    const both = await Promise.all([redrive({ ids: [first.id] }), redrive({ ids: [first.id] })])
    assert.deepEqual(both.toSorted(), [0, 1])
    assert.deepEqual([await redrive({ subscription: 'nobody' }), await redrive({ type: 'test.other' })], [0, 0])
    assert.equal(await redrive({ key: two }), 2)
    await it.drain()
    assert.deepEqual(await it.heard(one), ['good', 'bad 1'])
    assert.deepEqual(await it.heard(two), ['bad 2', 'bad 3'])
    assert.equal(await redrive({}), 0)
  })

  it('that fail again are dead letters again', async (t) => {
    const it = await openListening(t)
    it.failOn(() => true)
    await it.say(newId(), 'bad')
    await it.drain()
    const [letter] = await listDeadLetters(it.house.database, { filter: all, after: null, limit: 10 })
    await it.house.withWork(system, (work) => redriveDeadLetters(work, { filter: all, limit: 1 }))
    await it.drain()
    const [again] = await listDeadLetters(it.house.database, { filter: all, after: null, limit: 10 })
    assert.equal(again!.event.id, letter!.event.id)
    assert.notEqual(again!.id, letter!.id)
    assert.equal(it.failures.length, 10)
  })
})

describe('the alert of dead letters', () => {
  it('is raised once for a subscription, until none is left of it', async (t) => {
    const it = await openListening(t)
    it.failOn((said) => said.startsWith('bad'))
    const alert = async () => {
      const found = await findAlert(it.house.database, 'dead-letters/listener')
      return found && [found.count, found.endedAt === null]
    }
    await it.say(newId(), 'bad 1', 'bad 2')
    assert.equal(await alert(), null)
    await it.drain()
    assert.deepEqual(await alert(), [2, true])
    const [last] = await listDeadLetters(it.house.database, { filter: anyDeadLetter, after: null, limit: 1 })
    const change = <T>(run: (work: Work) => Promise<T>) => it.house.withWork(system, run)
    await change((work) => takeDeadLetter(work, last!.id))
    assert.deepEqual(await alert(), [2, true])
    assert.equal((await change((work) => redriveDeadLetters(work, { filter: anyDeadLetter, limit: 10 }))).length, 1)
    assert.deepEqual(await alert(), [2, false])
    await it.drain()
    assert.deepEqual(await alert(), [1, true])
    const queued = await it.house.ownerSql.rows('select from graphile_worker._private_jobs')
    assert.equal(queued.length, 3, 'what waits tells of the next as well')
  })

  it('goes on when one more comes while the last is sent again', async (t) => {
    const it = await openListening(t)
    it.failOn((said) => said.startsWith('bad'))
    await it.say(newId(), 'bad 1')
    await it.drain()
    const { withWork, ownerSql } = it.house
    let redriven: Promise<unknown> = Promise.resolve()
    await withWork(system, async (work) => {
      await work.sql.run(
        `insert into platform.dead_letter select gen_random_uuid(), subscription, gen_random_uuid(), number, type, key,
           event, attempts, error, failed_at from platform.dead_letter`,
      )
      await raiseDeadLetterAlert(work, 'listener')
      redriven = withWork(system, (other) => redriveDeadLetters(other, { filter: anyDeadLetter, limit: 10 }))
      const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%platform.alert%'`
      await until('the other waits', async () => (await ownerSql.rows(waiting)).length > 0)
    })
    await redriven
    assert.deepEqual((await findAlert(it.house.database, 'dead-letters/listener'))?.endedAt, null)
    assert.equal((await it.dead()).length, 1)
  })
})
