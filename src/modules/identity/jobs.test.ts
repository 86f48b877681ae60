import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openDatabase } from '#platform/database'
import { openApiHouse } from '#test/api-house'
import { nightlyTidying } from './jobs.ts'

test('each night it is forgotten which sessions ended a month ago, and nothing that goes on', async () => {
  const house = await openApiHouse({ after })
  const database = openDatabase({ url: house.serviceUrl, poolSize: 2 })
  house.onClose(() => database.close())
  const tidy = nightlyTidying({ database, timeZone: 'Asia/Seoul', now: new Date() })
  const count = async () => {
    const [rows] = await house.ownerSql.rows<{ sessions: number; tokens: number }>(
      `select (select count(*) from identity.session) as sessions,
         (select count(*) from identity.refresh_token) as tokens`,
    )
    return [rows!.sessions, rows!.tokens]
  }
  const advance = (days: number) => house.post('/v1/sandbox/clock', { advanceSeconds: days * 86_400 })
  const refresh = async (refreshToken: string) =>
    (await house.as(null).post('/v1/sessions/refresh', { refreshToken })).body.refreshToken
  const [leaver, stayer] = [await house.person(), await house.person()]
  await leaver.delete('/v1/sessions/current')
  let token = await refresh(stayer.refreshToken)
  assert.deepEqual(await count(), [2, 3])
  await advance(29)
  token = await refresh(token)
  await tidy.run(null, { signal: AbortSignal.timeout(10_000), attempt: 1 })
  assert.deepEqual(await count(), [2, 4])
  await advance(2)
  await tidy.run(null, { signal: AbortSignal.timeout(10_000), attempt: 1 })
  assert.deepEqual(await count(), [1, 2])
  assert.ok(await refresh(token))
})
