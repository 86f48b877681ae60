import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '#test/harness'
import { forms, openSharedPlace, type SharedPlace } from '#test/shared-place'
import { newId } from './ids.ts'
import { openRedisRevocations } from './redis/revocations.ts'
import { openRevocations, rememberedMs } from './revocations.ts'
import { system, workOver } from './work.ts'

function openIn(place: SharedPlace) {
  let at = 0
  const { news, database, redis } = place.open()
  const remembered = openRevocations({ news, database, onError() {}, now: () => performance.now() + at })
  place.house.onClose(remembered.close)
  const revocations = redis ? openRedisRevocations(redis, remembered) : remembered
  return {
    revocations,
    database,
    withWork: workOver(database, revocations),
    pass(ms: number) {
      at += ms
    },
  }
}

for (const form of ['PostgreSQL', 'Redis'] as const) {
  test(`by ${form}, what was taken away is known to every process, those too that did not hear of it`, {
    skip: forms[form].skip,
  }, async (t) => {
    const place = await openSharedPlace(t, form)
    const [first, second] = [openIn(place), openIn(place)]
    const [session, key, other] = [newId(), newId(), newId()]
    await first.withWork(system, async (work) => work.withdraw([session, key]))
    const knows = async ({ revocations }: typeof first) => (await revocations.has(session)) && revocations.has(key)
    for (const each of [first, second]) await until('it was known', () => knows(each))
    assert.equal(await second.revocations.has(other), false)

    const late = openIn(place)
    await until('it was read', () => late.revocations.list().length === 2)
    assert.equal(await late.revocations.has(session), true)
    late.pass(rememberedMs)
    assert.deepEqual(late.revocations.list(), [])
  })
}

test('what is undone was never taken away', async (t) => {
  const place = await openSharedPlace(t, 'PostgreSQL')
  const { withWork, revocations, database } = openIn(place)
  const id = newId()
  const undone = withWork(system, async (work) => {
    work.withdraw([id])
    throw new Error('undone')
  })
  await assert.rejects(undone, /undone/)
  assert.equal(await revocations.has(id), false)
  assert.deepEqual(await database.sql.rows('select from platform.revocation'), [])
})

test('a Redis that comes back empty holds again what was taken away', { skip: forms.Redis.skip }, async (t) => {
  const place = await openSharedPlace(t, 'Redis')
  const { revocations } = openIn(place)
  const id = newId()
  await until('it was noted', async () => {
    await revocations.note([id])
    return place.server!.client.exists(`test:revoked:${id}`)
  })
  await place.server!.client.flushall()
  await until('it was put in again', () => place.server!.client.exists(`test:revoked:${id}`))
})
