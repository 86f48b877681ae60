import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openApiHouse } from '#test/api-house'
import { until } from '#test/harness'
import { statisticsJob } from './statistics.ts'

const house = await openApiHouse({ after })
const { database, withWork } = house
const job = statisticsJob({ database, withWork, timeZone: 'Asia/Seoul' })
const { signal } = new AbortController()
/** Three processes at once; until what others have begun is behind the horizon, the journal is not complete. */
const countUntil = (isThere: (body: Awaited<ReturnType<typeof read>>) => boolean) =>
  until('everything was counted', async () => {
    await Promise.all([job, job, job].map(({ run }) => run({}, { signal, attempt: 1 })))
    const body = await read()
    return isThere(body) ? body : null
  })
const read = async (query = '') => {
  const { status, body } = await house.get(`/v1/ops/statistics${query}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}
const none = { paid: '0', bonus: '0', prize: '0' }

test('before anything was counted there is nothing, and no time of counting', async () => {
  const { computedAt, members, points } = await read()
  assert.deepEqual([computedAt, members.total, members.byDay, points.issued], [null, 0, [], none])
})

test('members, sessions and points of each class are counted once, however often the job runs, at once or again', async () => {
  const [one, two] = [await house.person(), await house.person()]
  const wallet = await house.wallet('somebody', 1_000)
  await house.charge(wallet, 300, { class: 'bonus' })
  const { body: spent } = await house.spend(wallet, 400)
  await house.refund(spent.id, { amount: 100 })
  const { body: charged } = await house.charge(one.walletId, 70)
  await house.post(`/v1/transfers/${charged.id}/cancellation`)
  await two.delete('/v1/sessions/current')
  const counted = await countUntil(({ points }) => points.cancelled.paid === '70')
  const again = await countUntil(() => true)
  for (const { members, points } of [counted, again]) {
    const { byDay, ...counts } = members
    assert.deepEqual(counts, { total: 3, withLogin: 2, left: 0, activeSessions: 1 })
    assert.deepEqual(
      byDay.map(({ joined, left }: { joined: number; left: number }) => [joined, left]),
      [[3, 0]],
    )
    assert.deepEqual(points, {
      issued: { paid: '1070', bonus: '300', prize: '0' },
      cancelled: { ...none, paid: '70' },
      spent: { paid: '100', bonus: '300', prize: '0' },
      refunded: { ...none, paid: points.refunded.paid, bonus: points.refunded.bonus },
      expired: none,
    })
    assert.equal(Number(points.refunded.paid) + Number(points.refunded.bonus), 100)
  }
})

test('an answer says when it was counted and how old that is, and reads no journal', async () => {
  const before = await house.get('/v1/ops/statistics')
  await house.post('/v1/sandbox/clock', { advanceSeconds: 45 })
  const { headers, body } = await house.get('/v1/ops/statistics')
  assert.equal(headers['cache-control'], 'private, max-age=60')
  assert.ok(Number(headers.age) >= 45 && Number(headers.age) < 75, String(headers.age))
  assert.equal(body.computedAt, before.body.computedAt)
})

test('days are those of the programme’s zone; others are counted elsewhere', async () => {
  const { to } = await read()
  const day = Temporal.PlainDate.from(to)
  const [yesterday, today] = [day.subtract({ days: 1 }).toString(), day.toString()]
  assert.equal((await read(`?from=${today}&to=${today}`)).members.byDay.length, 1)
  assert.deepEqual((await read(`?from=${yesterday}&to=${yesterday}`)).points.issued, none)
  const midnight = `${day.subtract({ days: 1 }).toString()}T15:00:00Z`
  const asInstant = await read(`?from=${midnight}&to=${today}T15:00:00Z`)
  assert.deepEqual([asInstant.from, asInstant.to, asInstant.members.byDay.length], [today, today, 1])
  for (const query of ['?from=2020-01-01&to=2026-01-01', '?from=now', '?to=2026-02-30']) {
    assert.equal((await house.get(`/v1/ops/statistics${query}`)).status, 400, query)
  }
})

test('403 for people who are no administrators, and for keys', async () => {
  const person = await house.person()
  const key = house.as(await house.apiKey((await house.company()).id, { scopes: ['read'] }))
  for (const caller of [person, key]) assert.equal((await caller.get('/v1/ops/statistics')).status, 403)
  await house.put(`/v1/members/${person.id}/role`, { role: 'ADMIN' })
  assert.equal((await person.get('/v1/ops/statistics')).status, 200)
})
