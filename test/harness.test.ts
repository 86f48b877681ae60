import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHouse } from './harness.ts'

test('a house has a database of its own, seen as the service that owns nothing', async (t) => {
  const house = await openHouse(t)
  const [seen] = await house.database.sql.rows<{ user: string; owner: string }>(
    `select current_user as user, tableowner as owner
     from pg_tables where schemaname = 'ledger' and tablename = 'transfer'`,
  )
  assert.deepEqual(seen, { user: 'podo_service', owner: 'podo_owner' })
})

test('advancing the clock moves the time of the programme by as many seconds', async (t) => {
  const house = await openHouse(t)
  await house.advance(3_600)
  const [seen] = await house.database.sql.rows<{ ahead: number }>(
    'select extract(epoch from platform.programme_time() - clock_timestamp())::float8 as ahead',
  )
  assert.ok(Math.abs(seen!.ahead - 3_600) < 1)
})

test('a connection that nobody gave back fails the test', async () => {
  const scope = scopeOfOwn()
  const house = await openHouse(scope)
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const transaction = house.database.transaction(() => held)
  await assert.rejects(scope.end(), /every connection was given back/)
  release()
  await assert.rejects(transaction)
})

function scopeOfOwn() {
  const endings: (() => Promise<void> | void)[] = []
  return {
    after: (run: () => Promise<void> | void) => void endings.push(run),
    async end() {
      for (const ending of endings) await ending()
    },
  }
}
