import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { openHouse, type Process, until } from '#test/harness'
import type { Caller } from '../access.ts'
import { endAlert, findAlert } from '../alerts.ts'
import { findAnswers } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { laneProblems } from '../lane.ts'
import { Problem } from '../problem.ts'
import { openSealing } from '../sealing.ts'
import { system } from '../work.ts'
import { type Carrying, type CarryingOut, keepCarryingOut } from './carrying.ts'
import { type Command, sealCommand } from './commands.ts'
import { type Asked, type Operation, type OperationKind, operationId, type Room } from './operations.ts'
import { insertOperations } from './store.ts'
import { tellStuck, watchingJob } from './watching.ts'

const house = await openHouse({ after }, { poolSize: 2 })
const { ownerSql } = house
await ownerSql.run('create table noted (place bigint generated always as identity, word text)')
await ownerSql.run('grant select, insert on noted to podo_service')
const sealing = openSealing(Buffer.alloc(32))
const words = (...texts: string[]) => texts

/** Writes down the words of what it is given, and all of it together; `before` may have something against it. */
function noting({ withWork }: Process, before: (words: string[]) => unknown = () => {}): Room {
  return {
    async carryOut(operations, settle) {
      await withWork(system, async (work) => {
        const own = operations.map(({ asked }) => asked.params.word!)
        work.sql.send('insert into noted (word) select * from unnest($1::text[])', [own])
        await before(own)
        await settle(
          work,
          operations.map(() => ({ status: 201, body: '{}' })),
        )
      })
    },
  }
}

/** Where the test says what goes wrong in a room, and is told of what did. */
interface Worker extends CarryingOut {
  readonly stuck: { readonly word: string; readonly attempts: number }[]
  readonly errors: unknown[]
}

function openWorker(t: TestContext, room: Room, more: Partial<Carrying> & { readonly process?: Process } = {}): Worker {
  const { process = house, ...given } = more
  const stuck: { word: string; attempts: number }[] = []
  const errors: unknown[] = []
  const carrying = keepCarryingOut({
    reads: process.database,
    withWork: process.withWork,
    sealing,
    kinds: [{ ...kind, room }],
    confirm: async (callers) => callers.map(() => true),
    onStuck: ({ seq, attempts }) => void stuck.push({ word: wordOf.get(seq)!, attempts }),
    onError: (error) => void errors.push(error),
    ...given,
  })
  t.after(carrying.close)
  return { ...carrying, stuck, errors }
}

const kind: Omit<OperationKind, 'room'> = {
  name: 'note',
  orderKey: ({ body }) => (body as { of: string }).of,
  check: () => {},
  perform: () => assert.fail('nothing is done at once here'),
}

const caller: Caller = {
  actor: { type: 'operator', id: null },
  scopes: [],
  isAdmin: false,
  credentialId: null,
  address: '127.0.0.1',
}
const wordOf = new Map<number, string>()

/** Takes words on, each of somebody. */
async function takeOn(
  given: readonly { word: string; of?: string; caller?: Caller; padding?: string }[],
): Promise<void> {
  const commands = given.map(({ word, of = newId(), padding, ...more }) => {
    const key = { digest: newId(), requestHash: newId(), text: word }
    const ofRequest = { params: { word }, body: { of, padding }, requestId: newId(), language: 'en' as const }
    const asked: Asked = { caller, key, isKeyGiven: true, ...ofRequest, isQueued: true, ...more }
    const id = operationId(sealing, asked)
    const command: Command = { name: 'note', id, orderKey: kind.orderKey(asked), asked }
    return { ...command, request: sealCommand(sealing, command) }
  })
  await insertOperations(house.database.sql, commands)
  const rows = await ownerSql.rows<{ id: string; seq: number }>('select id, seq from platform.operation')
  const seqs = new Map(rows.map(({ id, seq }) => [id, seq]))
  for (const { id, asked } of commands) wordOf.set(seqs.get(id)!, asked.params.word!)
}

async function noted(): Promise<string[]> {
  return (await ownerSql.rows<{ word: string }>('select word from noted order by place')).map(({ word }) => word)
}

/** Resolves when nothing waits, and answers what was noted since. */
async function allNoted(): Promise<string[]> {
  const waiting = () => ownerSql.rows('select from platform.operation where completed_at is null')
  await until('nothing waits', async () => (await waiting()).length === 0)
  const found = await noted()
  await ownerSql.run('truncate noted')
  return found
}

test('what a bug keeps from being carried out is set aside with all of its order key; all others go on', async (t) => {
  const [ours, theirs] = [newId(), newId()]
  let isBroken = true
  await takeOn([
    { word: 'a1', of: ours },
    { word: 'b1', of: theirs },
    { word: 'a2 bad', of: ours },
    { word: 'b2', of: theirs },
    { word: 'a3', of: ours },
    ...Array.from({ length: 40 }, (_, at) => ({ word: `c${at}` })),
  ])
  const room = noting(house, (own) => {
    if (isBroken && own.some((word) => word.endsWith('bad'))) throw new Error('a bug')
  })
  const worker = openWorker(t, room)
  await until('all others are carried out', async () => (await noted()).length === 43)
  await until('it was tried again', () => worker.stuck.length > 1)
  const before = await noted()
  assert.deepEqual(
    before.filter((word) => !word.startsWith('c')),
    words('a1', 'b1', 'b2'),
  )
  assert.deepEqual(worker.stuck.slice(0, 2), [
    { word: 'a2 bad', attempts: 1 },
    { word: 'a2 bad', attempts: 2 },
  ])
  isBroken = false
  assert.deepEqual((await allNoted()).slice(before.length), words('a2 bad', 'a3'))
  assert.deepEqual(worker.errors, [])
})

test('what is away is waited for, for ever: nothing is set aside, and all is carried out in its order', async (t) => {
  const given = Array.from({ length: 20 }, (_, at) => String(at))
  await takeOn(given.map((word) => ({ word })))
  const away = [
    Object.assign(new Error('gone'), { code: '57P01' }),
    Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('a deadlock'), { code: '40P01' }),
    new Problem(laneProblems.overloaded),
  ]
  let tries = 0
  const room = noting(house, () => {
    tries += 1
    if (tries <= 3 * away.length) throw away[tries % away.length]
  })
  const worker = openWorker(t, room)
  assert.deepEqual(await allNoted(), given)
  assert.deepEqual(worker.stuck, [])
  assert.equal(tries, 3 * away.length + 1)
})

test('what takes longer together than anything may is carried out in parts', async (t) => {
  const given = Array.from({ length: 30 }, (_, at) => String(at))
  await takeOn(given.map((word) => ({ word })))
  const sizes: number[] = []
  const room = noting(house, (own) => {
    if (own.length > 4)
      throw Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' })
    sizes.push(own.length)
  })
  openWorker(t, room)
  assert.deepEqual(await allNoted(), given)
  assert.ok(Math.max(...sizes) > 1)
})

test('a worker that was stopped past its lease writes nothing when it goes on, and another has done it all', async (t) => {
  const given = words('first', 'second', 'third')
  await takeOn(given.map((word) => ({ word })))
  const reached = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  const second = house.second({ poolSize: 2 })
  const first = openWorker(
    t,
    noting(second, () => {
      reached.resolve()
      return stopped.promise
    }),
    { process: second },
  )
  await reached.promise
  const other = openWorker(t, noting(house))
  const holder = () => ownerSql.rows<{ holder: string }>(`select holder from platform.lease where name = 'operations'`)
  const [before] = await holder()
  await until('the other one holds the lease', async () => {
    await ownerSql.run(`update platform.lease set expires_at = 'epoch' where holder = $1`, [before!.holder])
    return (await holder())[0]!.holder !== before!.holder
  })
  stopped.resolve()
  assert.deepEqual(await allNoted(), given)
  await first.close()
  assert.deepEqual(await noted(), [])
  const events = await ownerSql.rows(
    `select key from platform.outbox where type like 'operations.%' group by key having count(*) > 1`,
  )
  assert.deepEqual(events, [])
  assert.deepEqual([...first.errors, ...other.errors], [])
})

test('of those who asked each is asked for once more, all together, and nothing is done for whoever is let in no more', async (t) => {
  const callerOf = (id: string): Caller => ({ ...caller, actor: { type: 'company', id: newId() }, credentialId: id })
  const [known, gone] = [callerOf(newId()), callerOf(newId())]
  const given = Array.from({ length: 600 }, (_, at) => {
    const by = at < 100 ? known : at < 200 ? gone : callerOf(newId())
    return { word: `${by === gone ? 'gone' : 'known'} ${at}`, caller: by }
  })
  await takeOn(given)
  let asked = 0
  const refused: Operation[] = []
  const room = noting(house)
  openWorker(
    t,
    {
      carryOut(operations, settle) {
        refused.push(...operations.filter(({ asked }) => asked.refusal))
        return room.carryOut(operations, settle)
      },
    },
    {
      async confirm(callers) {
        asked += callers.length
        return callers.map(({ credentialId }) => credentialId !== gone.credentialId)
      },
    },
  )
  assert.equal((await allNoted()).length, given.length)
  assert.equal(asked, 402)
  assert.ok(refused.length === 100 && refused.every((operation) => operation.asked.params.word!.startsWith('gone')))
})

test('however long requests are, and however many wait, only some are read at a time', async (t) => {
  const padding = 'x'.repeat(1_000_000)
  const given = Array.from({ length: 6 }, (_, at) => String(at))
  for (const word of given) await takeOn([{ word, padding }])
  await takeOn([{ word: 'the longest', padding: padding.repeat(5) }, { word: 'short' }])
  const sizes: number[] = []
  openWorker(
    t,
    noting(house, (own) => void sizes.push(own.length)),
  )
  assert.deepEqual(await allNoted(), [...given, 'the longest', 'short'])
  assert.ok(Math.max(...sizes) <= 4, sizes.join())
})

test('somebody is told of an operation that was set aside half a minute long, or that others have passed for ten minutes, until nothing waits', async (t) => {
  const cause = 'operations/stuck'
  const { database: reads, withWork } = house
  const look = () => watchingJob({ reads, withWork }).run({}, {} as never)
  const isOpen = async () => (await findAlert(reads, cause))?.endedAt === null
  const age = (seconds: number) =>
    ownerSql.run(
      `update platform.operation set created_at = created_at - interval '1 s' * $1 where completed_at is null`,
      [seconds],
    )
  let isBroken = true
  const room = noting(house, (own) => {
    if (isBroken && own.includes('bad')) throw new Error('a bug')
  })
  await takeOn([{ word: 'bad' }])
  await look()
  await tellStuck(house, { attempts: 5 })
  assert.equal(await isOpen(), false)
  await tellStuck(house, { attempts: 6 })
  await age(31)
  await look()
  assert.equal(await isOpen(), true)
  await withWork(system, (work) => endAlert(work, { cause }))
  await age(600)
  await look()
  assert.equal(await isOpen(), false, 'nothing has passed it')
  await takeOn([{ word: 'good' }])
  const worker = openWorker(t, room)
  await until('the other is carried out', async () => (await noted()).includes('good'))
  await look()
  assert.equal(await isOpen(), true)
  isBroken = false
  await allNoted()
  await worker.close()
  await look()
  assert.equal(await isOpen(), false)
})

test('whoever looks for keys goes through nothing that was carried out before, whatever the statistics say', async () => {
  const insert = (more: string) =>
    ownerSql.run(
      `insert into platform.operation
         (id, digest, request_hash, name, actor_type, order_key, request, completed_at, status, outcome)
       select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'note', 'operator', gen_random_uuid(), ${more}
       from generate_series(1, 5000)`,
    )
  await insert(`null, now(), 201, '{}'`)
  await insert(`'waits', null, null, null`)
  await ownerSql.run('analyze platform.operation')
  const countScans = async () => {
    const relation = `relid = 'platform.operation'::regclass`
    const rows = await ownerSql.rows<{ seq_scan: number }>(`select seq_scan from pg_stat_all_tables where ${relation}`)
    return rows[0]!.seq_scan
  }
  const look = () =>
    house.withWork(system, async (work) => {
      await work.sql.rows('select pg_stat_force_next_flush()')
      return findAnswers(work, [newId()])
    })
  await look()
  const before = await countScans()
  await look()
  assert.equal(await countScans(), before)
})
