import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAlert } from '#platform/alerts'
import { openLedgerHouse } from '#test/ledger-house'
import { nightlyVerification } from './jobs.ts'
import type { Difference } from './verify/differences.ts'
import type { VerifyReport } from './verify/verify.ts'

test('the nightly verification tells what differs, the first hundred one by one, alerts, and mends nothing', async (t) => {
  const house = await openLedgerHouse(t)
  const wallets = await house.openMany('wallet', 150)
  const told: Difference[] = []
  const reports: VerifyReport[] = []
  const { run } = nightlyVerification({
    database: house.database,
    withWork: house.withWork,
    timeZone: 'Asia/Seoul',
    now: new Date(),
    onDifference: (difference) => void told.push(difference),
    onEnd: (report) => void reports.push(report),
  })
  const { signal } = new AbortController()
  const alerted = async () => (await findAlert(house.database, 'ledger/differences'))?.endedAt === null
  await run({}, { signal, attempt: 1 })
  assert.deepEqual([told, reports[0]!.differences, await alerted()], [[], 0, false])
  await house.ownerSql.run('update ledger.account set paid = 7 where id = any($1::uuid[])', [wallets])
  await run({}, { signal, attempt: 1 })
  assert.deepEqual([told.length, reports[1]!.differences], [100, 150])
  const accountId = told[0]!.accountId!
  assert.deepEqual(told[0], { kind: 'account', accountId, id: accountId, field: 'paid', expected: '0', found: '7' })
  assert.ok(wallets.includes(accountId))
  await run({}, { signal, attempt: 1 })
  assert.deepEqual([reports[2]!.differences, await alerted()], [150, true])
  await house.ownerSql.run('update ledger.account set paid = 0 where id = any($1::uuid[])', [wallets])
  await run({}, { signal, attempt: 1 })
  assert.equal(await alerted(), false)
})

test('the nightly verification runs at half past three in the programme’s night, wherever that is', async (t) => {
  const { database, withWork } = await openLedgerHouse(t)
  const cronIn = (timeZone: string, now: string) =>
    nightlyVerification({ database, withWork, timeZone, now: new Date(now), onDifference() {}, onEnd() {} }).cron
  const [winter, summer] = ['2026-01-15T12:00:00Z', '2026-07-15T12:00:00Z']
  const zones = ['Asia/Seoul', 'UTC', 'Asia/Kathmandu', 'Europe/Berlin']
  const inWinter = zones.map((zone) => cronIn(zone, winter))
  assert.deepEqual(inWinter, ['30 18 * * *', '30 3 * * *', '45 21 * * *', '30 2 * * *'])
  assert.equal(cronIn('Europe/Berlin', summer), '30 1 * * *')
})
