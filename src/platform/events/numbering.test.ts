import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type House, openHouse, until } from '#test/harness'
import { testEvents } from '#test/test-events'
import { newId } from '../ids.ts'
import { takeLease } from '../leases.ts'
import { system, type Work } from '../work.ts'
import { emit, outbox } from './events.ts'
import { lookForNews, numberEvents } from './numbering.ts'

const sources = [outbox]

async function isAnyLeft(reads: House['database']): Promise<boolean> {
  return (await lookForNews(reads, { sources, since: 0 })).isAny
}

const oddly = 'what sixteen writers commit at odd times is numbered once, without a gap, in the order of its key'
it(oddly, (t) => numberOddly(t))
it(`${oddly}, a few rows at a time`, (t) => numberOddly(t, 5))

async function numberOddly(t: Parameters<typeof openHouse>[0], rowsMax?: number): Promise<void> {
  const house = await openHouse(t, { poolSize: 18 })
  const { withWork, database, ownerSql } = house
  await ownerSql.run('create table count (key uuid primary key, last int not null default 0)')
  await ownerSql.run('grant select, update on count to podo_service')
  const keys = Array.from({ length: 20 }, newId)
  await ownerSql.run('insert into count (key) select unnest($1::uuid[])', [keys])
  const perWriter = 60
  const random = () => keys[Math.floor(Math.random() * keys.length)]!
  // Their transactions begin to write before they wait for the key, and end some time after they had it.
  const write = async (work: Work) => {
    emit(work, { kind: testEvents.other, key: newId(), data: { said: 'begun' } })
    const key = random()
    const [row] = await work.sql.rows<{ last: number }>(
      'update count set last = last + 1 where key = $1 returning last',
      [key],
    )
    emit(work, { kind: testEvents.said, key, data: { said: row!.last } })
    for (let left = Math.random() * 10; left > 0; left -= 1) await work.sql.rows('select')
  }
  let isWriting = true
  const numbering = (async () => {
    while (isWriting || (await isAnyLeft(database)))
      await withWork(system, (work) => numberEvents(work, { sources, ...(rowsMax ? { rowsMax } : {}) }))
  })()
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let done = 0; done < perWriter; done += 1) await withWork(system, write)
    }),
  )
  isWriting = false
  await numbering
  const said = 2 * 16 * perWriter
  await until('all is behind the horizon', async () => {
    await withWork(system, (work) => numberEvents(work, { sources }))
    return (await ownerSql.rows('select from platform.event')).length === said
  })
  const rows = await ownerSql.rows<{ number: number; key: string; count: number | null }>(
    `select e.number, e.key, case o.type when 'test.said' then (o.data->>'said')::int end as count from platform.event e
     join platform.outbox o on o.id = e.row_id order by e.number`,
  )
  assert.deepEqual(
    rows.map(({ number }) => number),
    rows.map((_, at) => at + 1),
  )
  for (const key of keys) {
    const counts = rows.filter((row) => row.key === key).map(({ count }) => count)
    assert.deepEqual(
      counts,
      counts.map((_, at) => at + 1),
    )
  }
}

it('what commits late is numbered after what was numbered meanwhile, not passed over', async (t) => {
  const { withWork, ownerSql, second } = await openHouse(t)
  const number = async () => (await withWork(system, (work) => numberEvents(work, { sources }))).count
  let end = () => {}
  const begun = Promise.withResolvers<void>()
  const late = second().withWork(system, async (work) => {
    emit(work, { kind: testEvents.other, key: newId(), data: { said: 'late' } })
    await work.sql.rows('select')
    begun.resolve()
    await new Promise<void>((resolve) => {
      end = resolve
    })
  })
  await begun.promise
  await withWork(system, async (work) => emit(work, { kind: testEvents.said, key: newId(), data: { said: 'early' } }))
  assert.equal(await number(), 0)
  end()
  await late
  await until('both are behind the horizon', async () => (await number()) === 2)
  const rows = await ownerSql.rows<{ type: string }>('select type from platform.event order by number')
  assert.deepEqual(rows.map(({ type }) => type).toSorted(), ['test.other', 'test.said'])
})

it('whoever lost the lease numbers nothing', async (t) => {
  const { withWork, database, ownerSql } = await openHouse(t)
  await withWork(system, async (work) => emit(work, { kind: testEvents.said, key: newId(), data: { said: 'said' } }))
  const stale = (await takeLease(database, { name: 'event numbers', holder: 'a', ttlMs: 0 }))!
  const lease = (await takeLease(database, { name: 'event numbers', holder: 'b', ttlMs: 60_000 }))!
  await until('it is behind the horizon', () => isAnyLeft(database))
  await assert.rejects(withWork(system, (work) => numberEvents(work, { sources, lease: stale })))
  assert.equal((await ownerSql.rows('select from platform.event')).length, 0)
  assert.equal((await withWork(system, (work) => numberEvents(work, { sources, lease }))).count, 1)
})
