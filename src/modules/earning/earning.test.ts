import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { verifyLedger } from '#modules/ledger'
import { journal } from '#modules/points'
import { outbox } from '#platform/events/events'
import { openLocalDelivery } from '#platform/events/local'
import { numberEvents } from '#platform/events/numbering'
import { system } from '#platform/work'
import type { Body } from '#test/api-house'
import { type Process, until } from '#test/harness'
import { openPointsHouse } from '#test/points-house'
import { earningSubscriber } from './handlers.ts'

// The oldest points go first, so that what is earned is not spent before what was paid for.
const spendOrder = 'fifo' as const
const house = await openPointsHouse({ after }, { settings: { spendOrder } })
const { ownerSql } = house
const subscriber = earningSubscriber({ spendOrder, refundGraceDays: 30, timeZone: 'Asia/Seoul', language: 'en' })
const sources = [outbox, journal]

/** Somebody who hears what happens. */
const openHearing = ({ database: reads, withWork }: Process, onFailure?: () => void) =>
  openLocalDelivery({
    reads,
    withWork,
    sources,
    subscriber,
    patience: { attemptsMax: 5, delayMs: () => 0 },
    onFailure: ({ error }) => (onFailure ? onFailure() : assert.fail(String(error))),
  })
const hearing = openHearing(house)
const allNumbered = () =>
  until('everything is numbered', async () => {
    await house.withWork(system, (work) => numberEvents(work, { sources }))
    const [row] = await ownerSql.rows<{ left: number }>(
      'select count(*) as left from ledger.transfer t, platform.event_mark m where t.position >= m.position',
    )
    return row!.left === 0
  })
/** Whatever happened until now is heard. */
async function hear(): Promise<void> {
  await allNumbered()
  while (await hearing.next());
}
await hear()

const rule = async (body: object): Promise<Body> => {
  const answer = await house.post('/v1/earning-rules', body)
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}
const done = async (path: string, body: object, status = 201): Promise<Body> => {
  const answer = await house.post(path, body)
  assert.equal(answer.status, status, answer.text)
  return answer.body
}
const bonusOf = async (walletId: string): Promise<number> => (await house.wallet(walletId)).byClass.bonus
const refund = (spend: Body, amount?: number) => done(`/v1/transfers/${spend.id}/refunds`, amount ? { amount } : {})
/** What was earned at a company at which one purchase was paid. */
const onlyEarning = async ({ id }: Body): Promise<Body> =>
  (await house.get(`/v1/companies/${id}/earnings`)).body.items.at(-1)
/** A company with a rule of its own, and a member with paid points. */
async function shop(terms: object, points = 100_000) {
  const company = await house.company()
  const own = await rule({ companyId: company.id, ...terms })
  const member = await house.member(company.id)
  if (points > 0) await house.charge(member.walletId, points)
  return { company, rule: own, walletId: member.walletId, memberId: member.id }
}

test('spent paid points earn bonus points by the rule, rounded down, and the grant says what for', async () => {
  const { company, rule, walletId } = await shop({ rateBasisPoints: 150, expiresInDays: 30 }, 0)
  await done(`/v1/wallets/${walletId}/charges`, { amount: 1_000, class: 'bonus' })
  await house.charge(walletId, 20_000)
  const spend = await house.spend(walletId, 11_199)
  await hear()
  const [grant, line] = (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
  assert.equal(line.id, spend.id)
  // 1.5 % of 10,199 is 152.985: the 1,000 bonus points that were spent earn nothing.
  assert.partialDeepStrictEqual(grant, { kind: 'grant', amount: 152, reference: spend.id, actor: { type: 'system' } })
  const expiresInMs = Date.parse(grant.lots[0].expiresAt) - Date.parse(grant.createdAt)
  assert.ok(Math.abs(expiresInMs - 30 * 86_400_000) < 60_000)
  const { items } = (await house.get(`/v1/companies/${company.id}/earnings`)).body
  assert.equal(items.length, 1)
  assert.deepEqual(items[0], {
    ...items[0],
    ...{ companyId: company.id, walletId, memberId: null, spendId: spend.id, reference: null, amount: 10_199 },
    ...{
      refunded: 0,
      earned: 152,
      takenBack: 0,
      transferId: grant.id,
      rule: { id: rule.id, version: 1 },
      refusal: null,
    },
  })
  assert.deepEqual(grant.metadata, { earning: items[0].id, rule: rule.id, ruleVersion: 1 })
  const { type } = await done(`/v1/companies/${company.id}/earnings/${items[0].id}/refunds`, {}, 409)
  assert.equal(type, '/problems/earning/not-by-reference')
})

test('what a hold spends earns when it is posted, and what is no paid point or no member’s earns nothing', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 1_000 }, 1_000)
  const held = await house.hold(walletId, 500)
  await done(`/v1/holds/${held.id}/post`, { amount: 300 }, 200)
  await hear()
  assert.equal(await bonusOf(walletId), 30)
  const other = await house.member(company.id)
  await done(`/v1/wallets/${other.walletId}/charges`, { amount: 1_000, class: 'bonus' })
  await house.spend(other.walletId, 1_000)
  await house.charge(company.walletId, 1_000)
  await house.spend(company.walletId, 1_000)
  await hear()
  assert.deepEqual([await bonusOf(other.walletId), await bonusOf(company.walletId)], [0, 0])
})

test('refunds take back the same share in any parts, and all of it once all is refunded', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 333 })
  const spend = await house.spend(walletId, 10_000)
  await hear()
  const kept: number[] = [await bonusOf(walletId)]
  for (const amount of [1, 3_333, 6_665]) {
    await refund(spend, amount)
    await hear()
    kept.push(await bonusOf(walletId))
  }
  await refund(spend)
  await hear()
  assert.deepEqual([...kept, await bonusOf(walletId)], [333, 333, 222, 1, 0])
  const [earning] = (await house.get(`/v1/companies/${company.id}/earnings`)).body.items
  assert.partialDeepStrictEqual(earning, { refunded: 10_000, earned: 333, takenBack: 333 })
})

test('what of it was spent meanwhile stays spent, and is taken back as soon as it comes back', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 1_000 }, 10_000)
  const spend = await house.spend(walletId, 10_000)
  await hear()
  const ofBonus = await house.spend(walletId, 900)
  await refund(spend, 5_000)
  await hear()
  assert.equal(await bonusOf(walletId), 0)
  await refund(ofBonus, 300)
  await hear()
  assert.equal(await bonusOf(walletId), 0)
  await refund(ofBonus)
  await hear()
  assert.equal(await bonusOf(walletId), 500)
  await refund(spend)
  await hear()
  assert.equal(await bonusOf(walletId), 0)
  assert.partialDeepStrictEqual(await onlyEarning(company), { earned: 1_000, takenBack: 1_000 })
})

test('a hold keeps nothing from being taken back: voided, run out or posted in part, what it leaves is asked for', async () => {
  const release: ((held: Body) => Promise<unknown>)[] = [
    (held) => done(`/v1/holds/${held.id}/void`, {}, 200),
    () => house.advance(600),
    (held) => done(`/v1/holds/${held.id}/post`, { amount: 120 }, 200),
  ]
  const kept: unknown[] = []
  for (const end of release) {
    const { company, walletId } = await shop({ rateBasisPoints: 500 }, 10_000)
    const spend = await house.spend(walletId, 10_000)
    await hear()
    const held = await house.hold(walletId, 500, { expiresInSeconds: 600 })
    await refund(spend)
    await hear()
    assert.partialDeepStrictEqual(await onlyEarning(company), { earned: 500, takenBack: 0 })
    await end(held)
    // What has run out is booked with whatever comes next.
    await house.spend(walletId, 1)
    await hear()
    kept.push([await bonusOf(walletId), (await onlyEarning(company)).takenBack])
  }
  assert.deepEqual(kept, [
    [0, 500],
    [0, 500],
    [0, 380],
  ])
})

test('what comes back by grace, after it had expired, is taken back as well: whichever is refunded first', async () => {
  const kept: unknown[] = []
  for (const isPurchaseFirst of [true, false]) {
    const { company, walletId } = await shop({ rateBasisPoints: 1_000, expiresInDays: 1 }, 10_000)
    const spend = await house.spend(walletId, 10_000)
    await hear()
    const ofBonus = await house.spend(walletId, 1_000)
    if (isPurchaseFirst) await refund(spend)
    await hear()
    await house.advance(2 * 86_400)
    await refund(ofBonus, 400)
    const held = await house.hold(walletId, isPurchaseFirst ? 1 : 400)
    await refund(ofBonus)
    await hear()
    if (!isPurchaseFirst) await refund(spend)
    await hear()
    await done(`/v1/holds/${held.id}/void`, {}, 200)
    await hear()
    kept.push([await bonusOf(walletId), (await onlyEarning(company)).takenBack])
  }
  assert.deepEqual(kept, [
    [0, 1_000],
    [0, 1_000],
  ])
})

test('what a company told of is asked for again as well, once, however often that is heard', async () => {
  const { company, walletId, memberId } = await shop({ rateBasisPoints: 1_000 }, 0)
  const path = `/v1/companies/${company.id}/earnings`
  const { id } = await done(path, { memberId, amount: 5_000, reference: 'receipt' })
  const held = await house.hold(walletId, 500)
  assert.equal((await done(`${path}/${id}/refunds`, { amount: 4_000 })).takenBack, 0)
  await done(`/v1/holds/${held.id}/void`, {}, 200)
  await hear()
  await ownerSql.run(`delete from platform.inbox where subscription = 'earning'`)
  await ownerSql.run(`update platform.subscription set number = 0 where name = 'earning'`)
  const delivery = openHearing(house)
  while (await delivery.next());
  assert.equal(await bonusOf(walletId), 100)
  assert.partialDeepStrictEqual(await onlyEarning(company), { refunded: 4_000, earned: 500, takenBack: 400 })
})

test('only what is taken back makes room under the cap of its day', async () => {
  const { walletId } = await shop({ rateBasisPoints: 500, capPerDay: 800 }, 10_000)
  const spend = await house.spend(walletId, 10_000)
  await hear()
  const held = await house.hold(walletId, 500)
  await refund(spend)
  await house.spend(walletId, 10_000)
  await hear()
  assert.equal(await bonusOf(walletId), 800)
  await done(`/v1/holds/${held.id}/void`, {}, 200)
  await hear()
  assert.equal(await bonusOf(walletId), 300)
  // The oldest first: the 300, and 20,000 that were paid for.
  await house.charge(walletId, 20_000)
  await house.spend(walletId, 20_300)
  await hear()
  assert.equal(await bonusOf(walletId), 500)
})

test('a grant that was cancelled counts as taken back, makes room, and is not taken again by a refund', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 500, capPerDay: 500 }, 20_000)
  const spend = await house.spend(walletId, 10_000)
  await hear()
  await refund(spend, 2_000)
  const [grant] = (await house.get(`/v1/wallets/${walletId}/transfers?kind=grant`)).body.items
  await done(`/v1/transfers/${grant.id}/cancellation`, {})
  await hear()
  assert.partialDeepStrictEqual(await onlyEarning(company), { refunded: 2_000, earned: 500, takenBack: 500 })
  await house.spend(walletId, 10_000)
  await refund(spend)
  await hear()
  assert.equal(await bonusOf(walletId), 500)
  const { items } = (await house.get(`/v1/companies/${company.id}/earnings`)).body
  assert.deepEqual(
    items.map(({ earned, takenBack }: Body) => [earned, takenBack]),
    [
      [500, 0],
      [500, 500],
    ],
  )
})

test('what was refunded before anything was given is not given, and a spend that earned nothing owes nothing', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 1_000, minimum: 500 })
  const spend = await house.spend(walletId, 1_000)
  await refund(spend)
  const small = await house.spend(walletId, 499)
  await refund(small)
  await hear()
  assert.equal(await bonusOf(walletId), 0)
  const { items } = (await house.get(`/v1/companies/${company.id}/earnings`)).body
  assert.deepEqual(
    items.map(({ amount, earned, takenBack }: Body) => [amount, earned, takenBack]),
    [
      [499, 0, 0],
      [1_000, 100, 100],
    ],
  )
})

test('the cap of a day counts by the day of the spend in the programme’s zone, and taking back makes room again', async () => {
  const { walletId } = await shop({ rateBasisPoints: 1_000, capPerDay: 250 })
  const toMidnight = await secondsToMidnight()
  // Ten minutes before midnight in Seoul, and ten after it.
  await house.advance(toMidnight > 600 ? toMidnight - 600 : toMidnight + 86_400 - 600)
  const spend = await house.spend(walletId, 1_000)
  for (const amount of [1_000, 1_000, 1_000]) await house.spend(walletId, amount)
  await hear()
  assert.equal(await bonusOf(walletId), 250)
  await refund(spend)
  await hear()
  assert.equal(await bonusOf(walletId), 150)
  await house.spend(walletId, 3_000)
  await hear()
  assert.equal(await bonusOf(walletId), 250)
  await house.advance(1_200)
  await house.spend(walletId, 1_000)
  await hear()
  assert.equal(await bonusOf(walletId), 350)
})

test('a rule counts as it was when something was spent, whatever it is when that is heard', async () => {
  const { rule, walletId, company } = await shop({ rateBasisPoints: 100 })
  await house.spend(walletId, 10_000)
  const changed = await house.patch(`/v1/earning-rules/${rule.id}`, { rateBasisPoints: 200 })
  assert.equal(changed.status, 200)
  await house.spend(walletId, 10_000)
  await hear()
  const { items } = (await house.get(`/v1/companies/${company.id}/earnings`)).body
  assert.deepEqual(
    items.map((it: Body) => [it.earned, it.rule.version]),
    [
      [200, 2],
      [100, 1],
    ],
  )
})

test('an event that is delivered again gives nothing again, nor takes anything again', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 1_000 }, 1_000)
  const spend = await house.spend(walletId, 1_000)
  await hear()
  await house.spend(walletId, 80)
  await refund(spend, 500)
  await hear()
  const again = async () => {
    await ownerSql.run(`update platform.subscription set number = 0 where name = 'earning'`)
    const delivery = openHearing(house)
    while (await delivery.next());
    return bonusOf(walletId)
  }
  assert.equal(await again(), 0)
  // Even where nobody knows any more what was taken in.
  await ownerSql.run(`delete from platform.inbox where subscription = 'earning'`)
  assert.equal(await again(), 0)
  const [earning] = (await house.get(`/v1/companies/${company.id}/earnings`)).body.items
  assert.partialDeepStrictEqual(earning, { earned: 100, takenBack: 20 })
  assert.equal((await house.get(`/v1/wallets/${walletId}/transfers?kind=grant`)).body.items.length, 1)
})

test('of twenty who hear the same at once, in two processes, one gives, up to the cap and no further', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 1_000, capPerDay: 950 })
  const spends = await Promise.all(Array.from({ length: 12 }, () => house.spend(walletId, 1_000)))
  await Promise.all(spends.slice(0, 6).map((spend) => refund(spend, 500)))
  await allNumbered()
  const second = house.second()
  const hearings = Array.from({ length: 20 }, (_, at) => openHearing(at % 2 ? second : house))
  await Promise.all(
    hearings.map(async (each) => {
      while (await each.next());
    }),
  )
  await hear()
  const { items } = (await house.get(`/v1/companies/${company.id}/earnings`)).body
  assert.equal(items.length, 12)
  assert.equal(await bonusOf(walletId), 900)
  assert.equal((await house.get(`/v1/wallets/${walletId}/transfers?kind=grant`)).body.items.length, 12)
})

test('where nothing can be earned for a while the spend stands, and what it earns comes later', async () => {
  const { walletId } = await shop({ rateBasisPoints: 1_000 })
  let failures = 0
  const troubled = openHearing(house, () => (failures += 1))
  await ownerSql.run('alter table earning.day rename to day_gone')
  const spend = await house.spend(walletId, 1_000)
  await allNumbered()
  await troubled.next()
  assert.ok(failures > 0)
  assert.equal((await house.get(`/v1/transfers/${spend.id}`)).status, 200)
  assert.deepEqual((await house.wallet(walletId)).byClass, { paid: 99_000, bonus: 0, prize: 0 })
  await ownerSql.run('alter table earning.day_gone rename to day')
  while (await troubled.next());
  assert.equal(await bonusOf(walletId), 100)
})

test('a wallet that is closed by then gets nothing, which is noted and holds nobody up', async () => {
  const company = await house.company()
  await rule({ companyId: company.id, rateBasisPoints: 100 })
  const [leaver, other] = [await house.person(), await house.person()]
  for (const { walletId } of [leaver, other]) {
    await house.charge(walletId, 1_000)
    await house.spend(walletId, 1_000, { merchantId: company.id })
  }
  const left = await leaver.delete('/v1/me', { currentPassword: leaver.password })
  assert.equal(left.status, 204, left.text)
  await hear()
  const { items } = (await house.get(`/v1/companies/${company.id}/earnings`)).body
  assert.deepEqual(
    items.map(({ earned, refusal }: Body) => [earned, refusal]),
    [
      [10, null],
      [0, '/problems/ledger/wallet-closed'],
    ],
  )
})

test('a rule of the company goes before that of the programme, which counts everywhere else', async () => {
  const { company, walletId } = await shop({ rateBasisPoints: 100 })
  const elsewhere = await house.company()
  await rule({ rateBasisPoints: 500, until: '2999-01-01T00:00:00Z' })
  await house.spend(walletId, 1_000)
  await house.spend(walletId, 1_000, { merchantId: elsewhere.id })
  await hear()
  const { items } = (await house.get(`/v1/wallets/${walletId}/transfers?kind=grant`)).body
  assert.deepEqual(
    items.map(({ amount }: Body) => amount),
    [50, 10],
  )
  // Which points somebody paid with is told to the company whose rule gives something for it, and to no other.
  const listed = async ({ id }: Body) => (await house.get(`/v1/companies/${id}/earnings`)).body.items.length
  assert.deepEqual([await listed(company), await listed(elsewhere)], [1, 0])
})

test('the books agree after all of it', async () => {
  const differences: unknown[] = []
  await verifyLedger(house.database, { onDifference: (difference) => void differences.push(difference) })
  assert.deepEqual(differences, [])
})

async function secondsToMidnight(): Promise<number> {
  const [row] = await ownerSql.rows<{ seconds: number }>(
    `select extract(epoch from date_trunc('day', t + interval '1 day') - t)::integer as seconds
     from (select platform.programme_time() at time zone 'Asia/Seoul' as t) now`,
  )
  return row!.seconds
}
