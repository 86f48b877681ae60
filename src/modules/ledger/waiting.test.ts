import { test } from 'node:test'
import pg from 'pg'
import { openDatabase } from '#platform/database'
import { workOver } from '#platform/work'
import { until } from '#test/harness'
import { openLedgerHouse, spendOf, transferOf } from '#test/ledger-house'
import { openLedgerLane } from './ledger.ts'

for (const poolSize of [2, 8]) {
  test(`with a pool of ${poolSize} a free wallet is served while as many as that are locked by others`, async (t) => {
    const house = await openLedgerHouse(t)
    const locked = await house.openMany('wallet', poolSize)
    const merchantId = await house.merchant()
    const free = await house.wallet(100)
    const timeouts = { lockTimeoutMs: 60_000, statementTimeoutMs: 60_000 }
    const database = openDatabase({ url: house.serviceUrl, poolSize, applicationName: 'waiting', ...timeouts })
    const lane = openLedgerLane({ withWork: workOver(database), settings: house.settings, poolSize })
    const holder = new pg.Client({ connectionString: house.ownerUrl })
    await holder.connect()
    house.onClose(async () => {
      await holder.end()
      await lane.close()
      await database.close()
    })
    await holder.query('begin')
    await holder.query('select from ledger.account where id = any($1::uuid[]) for update', [locked])

    const waiting = locked.map((walletId) => lane.submit(spendOf(walletId, merchantId, 1)))
    await until('somebody waits', async () => {
      const rows = await house.ownerSql.rows(
        `select from pg_locks where not granted and pid in
           (select pid from pg_stat_activity where datname = current_database())`,
      )
      return rows.length > 0
    })
    // Without a connection left for it, this fails after five seconds.
    transferOf(await lane.submit(spendOf(free, merchantId, 1)))
    await holder.query('rollback')
    await Promise.all(waiting)
  })
}
