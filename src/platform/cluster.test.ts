import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { openHouse, until } from '#test/harness'
import { findHorizonHolder, type HorizonHolder } from './cluster.ts'

test('a transaction that holds the horizon is named, with how long it has', async (t) => {
  const house = await openHouse(t)
  const client = new pg.Client({ connectionString: house.ownerUrl, application_name: 'forgotten' })
  await client.connect()
  house.onClose(() => client.end())
  await client.query('begin')
  await client.query('select pg_current_xact_id()')
  let holder: HorizonHolder | null = null
  // Sessions of other tests hold it too, for a moment.
  await until('it is seen', async () => {
    holder = await findHorizonHolder(house.database)
    return holder?.application === 'forgotten'
  })
  const { state, ageSeconds, pid } = holder!
  assert.equal(state, 'idle in transaction')
  assert.ok(ageSeconds > 0 && ageSeconds < 60)
  await client.query('rollback')
  await until('it is gone', async () => (await findHorizonHolder(house.database))?.pid !== pid)
})
