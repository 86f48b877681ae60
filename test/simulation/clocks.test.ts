import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { isSigned } from '#modules/webhooks'
import { fromPublicId } from '#platform/ids'
import { openHouse, until } from '../harness.ts'
import { openStandIns, signInThrough } from '../social-house.ts'
import { openReceiver } from '../webhook-receiver.ts'
import { openCrowd, type Settled, settle } from './caller.ts'
import { openProgramme } from './programme.ts'
import { type Ask, type Service, startService } from './service.ts'
import { assertSound } from './soundness.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const day = 86_400_000
/** What the clock of one process goes through: from each to the next it jumps while something runs out. */
const ahead = isLong ? [3 * day, 90_000, -90_000, 3 * day, 0, -3 * day, 90_000, -90_000] : [3 * day, -90_000]

const house = await openHouse({ after })
const { ownerSql } = house
const standIns = await openStandIns({ after })
const settings = {
  PODO_PUBLIC_URL: standIns.origin,
  PODO_GOOGLE_URL: standIns.settings.googleUrl!,
  PODO_GOOGLE_CLIENT_ID: standIns.settings.googleClientId!,
  PODO_GOOGLE_CLIENT_SECRET: standIns.settings.googleClientSecret!,
}
// The first to come does alone what only one does, and its clock is three days ahead.
const odd = await startService(house, { settings, clockAheadMs: 3 * day + untilNearlyFull(Date.now()) })
await until('it did what only one does', async () => (await findHolders()).length >= 3)
const even = await startService(house, { settings })
const both: readonly Service[] = [odd, even]
const receiver = await openReceiver({ after })

test('points and holds end when the database says, and once, while a clock jumps', async (t) => {
  const { walletIds } = await openProgramme(even, { wallets: 6, points: 1_000_000 })
  const began = await databaseTime()
  const answers: Settled[] = []
  const load = openCrowd(t, {
    count: walletIds.length,
    // Both are asked the same at once, with one key.
    turn: async (caller, turn) => {
      const ask = { ...askOf(turn, walletIds[caller]!), key: `load-${caller}-${turn}` }
      const [first, again] = await Promise.all(both.map((service) => settle(service, ask)))
      assert.deepEqual([first!.status, first!.body], [201, again!.body], first!.text)
      answers.push(first!)
    },
  })
  for (const [at, to] of ahead.slice(1).entries()) {
    await odd.setClock(ahead[at]!)
    const runningOut = await Promise.all(both.map((service) => openRunningOut(t, service)))
    await odd.setClock(to)
    await Promise.all(runningOut.map((each) => each.assertEndsInTime()))
  }
  await load.stop()
  assert.ok(answers.length > 20, `${answers.length} were answered`)
  const ended = await databaseTime()
  const off = await ownerSql.rows(
    `select id, at from ledger.transfer where position > 0 and actor_type <> 'system' and not at between $1 and $2
     and payer_id = any($3)`,
    [began, ended, walletIds.map((id) => fromPublicId('wlt', id))],
  )
  assert.deepEqual(off, [], 'all happened when the database says')
  await assertInOrder()
  await assertEndedOnce()
  await assertSound(house)
})

test('whom one process lets in the other does too, for as long as the database says', async () => {
  const sessions = []
  for (const [at, aheadMs] of [...ahead, 0].entries()) {
    await odd.setClock(aheadMs)
    const [issuer, other] = at % 2 === 0 ? [odd, even] : [even, odd]
    const email = `clock${at}@example.com`
    const path = '/v1/accounts'
    const body = { email, password: '보라색 포도 다섯 송이', nickname: `시계 ${at}` }
    const signedUp = await issuer!.send({ path, body, credential: null })
    assert.equal(signedUp.status, 201, signedUp.text)
    const madeAt = Number.parseInt(signedUp.body.member.id.slice(4, 16), 16)
    assert.ok(Math.abs(madeAt - (await machineTime())) < 5_000, 'ids are made by the same clock')
    await assertLetIn(signedUp.body.accessToken, [other!, issuer!])
    const refresh = { path: '/v1/sessions/refresh', body: { refreshToken: signedUp.body.refreshToken } }
    const refreshed = await other!.send({ ...refresh, credential: null })
    assert.equal(refreshed.status, 200, refreshed.text)
    await assertLetIn(refreshed.body.accessToken, [issuer!, other!])
    sessions.push({ email, ...refreshed.body })
    const social = await signInThrough(callerOf(odd), { provider: 'google', choices: { person: at + 1 } })
    assert.equal(social.status, 201, social.text)
    await assertLetIn(social.body.accessToken, both)
  }
  for (const { email } of sessions) {
    const told = await until('a mail came', () => mailsTo(email))
    assert.equal(told.length, 1, 'each job is done once')
  }
  await odd.setClock(3 * day)
  await house.advance(899 - 60)
  for (const { accessToken } of sessions.slice(-1)) await assertLetIn(accessToken, both)
  await house.advance(62)
  await odd.setClock(-3 * day)
  for (const { accessToken } of sessions) {
    for (const service of both) {
      await until('the token has run out', async () => (await me(service, accessToken)).status === 401)
    }
  }
})

test('a process that is alone with a wrong clock tells, tries again and carries out what is due, no sooner and no more often', async (t) => {
  await odd.setClock(3 * day)
  const { companyId, walletIds } = await openProgramme(odd, { wallets: 1, points: 1_000 })
  const secrets = new Map<string, string>()
  for (const path of ['/well', '/away']) {
    const body = { url: `${receiver.url}${path}`, types: ['points.spent'] }
    const made = await odd.send({ path: `/v1/companies/${companyId}/webhook-endpoints`, body })
    assert.equal(made.status, 201, made.text)
    secrets.set(path, made.body.secret)
  }
  receiver.answer('/away', { status: 503 })
  const cameTo = (path: string) => receiver.received.filter((each) => each.path === path)
  const mostAttempts = () =>
    Math.max(
      ...Map.groupBy(cameTo('/away'), ({ event }) => event.id)
        .values()
        .map(({ length }) => length),
    )
  const countWaiting = async () =>
    (await ownerSql.rows(`select from webhooks.delivery where status = 'pending'`)).length
  const path = `/v1/wallets/${walletIds[0]}/spends`
  even.signal('SIGSTOP')
  t.after(() => even.signal('SIGCONT'))
  const operations: string[] = []
  for (const [at, aheadMs] of ahead.entries()) {
    await odd.setClock(aheadMs)
    const taken = await odd.send({ path, body: { amount: 1 }, key: `alone-${at}`, later: true })
    assert.equal(taken.status, 202, taken.text)
    operations.push(taken.body.id)
    await until('it was told of', () => cameTo('/well').length === at + 1)
    await until('who is away was asked', () => cameTo('/away').length > 0)
    assert.equal(mostAttempts(), 1, 'who is away is not asked again and again')
  }
  for (const { path, headers, text: body } of receiver.received) {
    assert.ok(isSigned({ headers, body, nowMs: Date.now() }, secrets.get(path)!))
    assert.ok(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000) < 60)
  }
  for (const id of operations) {
    const { body } = await odd.send({ method: 'GET', path: `/v1/operations/${id}` })
    assert.equal(body.status, 'succeeded')
  }
  receiver.answer('/away', { status: 204 })
  await house.advance(6)
  await until('all came to who is back', async () => (await countWaiting()) === 0)
  assert.equal(mostAttempts(), 2)
  await assertRoundsWait()
})

/** What comes round waits for its next time by the clock of the database, each once. */
async function assertRoundsWait(): Promise<void> {
  const rounds = await ownerSql.rows<{ name: string; isSoon: boolean }>(
    `select task_identifier as name, run_at < clock_timestamp() + interval '25 hours' as "isSoon"
     from graphile_worker.jobs where last_error is null order by 1`,
  )
  const names = rounds.map(({ name }) => name)
  assert.ok(names.includes('ops.statistics'), 'what comes round waits')
  assert.deepEqual(names, [...new Set(names)], 'each once')
  for (const { name, isSoon } of rounds) assert.ok(isSoon, `${name} waits for days`)
}

async function assertLetIn(credential: string, services: readonly Service[]): Promise<void> {
  for (const service of services) {
    const { status, text } = await me(service, credential)
    assert.equal(status, 200, text)
  }
}

/** Whoever has not signed in. */
function callerOf(service: Service) {
  return {
    get: (path: string) => service.send({ method: 'GET', path, credential: null }),
    post: (path: string, body?: object | string) => service.send({ path, body: body as object, credential: null }),
  }
}

function me(service: Service, credential: string) {
  return service.send({ method: 'GET', path: '/v1/me', credential })
}

async function mailsTo(email: string) {
  const { body } = await even.send({ method: 'GET', path: '/v1/sandbox/mails?limit=100' })
  const found = body.items.filter(({ to }: { to: string }) => to === email)
  return found.length > 0 ? found : null
}

/** Charges, spends, and spends that are carried out later. */
function askOf(turn: number, walletId: string): Ask {
  const at = `/v1/wallets/${walletId}`
  if (turn % 3 === 0) return { path: `${at}/charges`, body: { amount: 2, class: 'bonus' } }
  return { path: `${at}/spends`, body: { amount: 1 } }
}

/** Points and a hold that are about to end, made by one process and looked at through both. */
async function openRunningOut(t: TestContext, maker: Service) {
  const { walletIds } = await openProgramme(maker, { wallets: 1, points: 100 })
  const path = `/v1/wallets/${walletIds[0]}`
  const hold = await maker.send({ path: `${path}/holds`, body: { amount: 100, expiresInSeconds: 1 } })
  assert.equal(hold.status, 201, hold.text)
  const expiresAt = new Date((await databaseTime()).getTime() + 500)
  const charge = { amount: 50, class: 'bonus', expiresAt: expiresAt.toISOString() }
  const charged = await maker.send({ path: `${path}/charges`, body: charge })
  assert.equal(charged.status, 201, charged.text)
  const ends = { points: expiresAt, hold: new Date(hold.body.expiresAt) }
  const seen = both.map(() => 0)
  const watch = openCrowd(t, {
    count: both.length,
    turn: async (caller) => {
      const before = await databaseTime()
      const { body } = await both[caller]!.send({ method: 'GET', path })
      const after = await databaseTime()
      if (after < ends.points) assert.equal(body.balance, 150)
      if (before >= ends.points) assert.equal(body.balance, 100)
      if (after < ends.hold) assert.equal(body.held, 100)
      if (before >= ends.hold) assert.equal(body.held, 0)
      if (before >= ends.hold) seen[caller]! += 1
    },
  })
  return {
    async assertEndsInTime() {
      await watch.until('both have seen the end', () => seen.every((times) => times > 2))
      await watch.stop()
    },
  }
}

/** Each transfer of a wallet happened when the one before it had. */
async function assertInOrder(): Promise<void> {
  const misplaced = await ownerSql.rows(
    `with placed as (
       select at, lag(at) over (partition by account_id order by seq) as before from (
         select payer_id as account_id, payer_seq as seq, at from ledger.transfer where payer_seq is not null
         union all select payee_id, payee_seq, at from ledger.transfer where payee_seq is not null
       ) each
     )
     select * from placed where at < before`,
  )
  assert.deepEqual(misplaced, [])
}

/** What has expired did so once and not before its time, and nothing else was taken from it after that. */
async function assertEndedOnce(): Promise<void> {
  const now = await databaseTime()
  const wrong = await ownerSql.rows(
    `with touched as (
       select l.id, l.expires_at, t.at, t.kind
       from ledger.lot l join ledger.transfer t on l.id = any(t.lot_ids) where l.expires_at <= $1
     )
     select * from touched where (kind = 'expire') <> (at >= expires_at)
     union all select id, null, null, null from touched where kind = 'expire' group by id having count(*) > 1
     union all select id, expires_at, completed_at, null from ledger.hold
       where status = 'expired' and completed_at < expires_at`,
    [now],
  )
  assert.deepEqual(wrong, [])
  await until('all was booked', async () => {
    const due = await ownerSql.rows(
      `select from ledger.lot where expires_at <= $1 and remaining > 0
       union all select from ledger.hold where expires_at <= $1 and status = 'pending'`,
      [now],
    )
    return due.length === 0
  })
}

/** To soon before a full minute: then whatever goes by the minutes of the process has come round by the end. */
function untilNearlyFull(nowMs: number): number {
  return 60_000 - 3_000 - (nowMs % 60_000)
}

async function findHolders(): Promise<{ name: string }[]> {
  return ownerSql.rows('select name from platform.lease where expires_at > clock_timestamp()')
}

/** That of the machine on which the database is. */
async function machineTime(): Promise<number> {
  return (await ownerSql.rows<{ now: Date }>('select clock_timestamp() as now'))[0]!.now.getTime()
}

async function databaseTime(): Promise<Date> {
  return (await ownerSql.rows<{ now: Date }>('select platform.programme_time() as now'))[0]!.now
}
