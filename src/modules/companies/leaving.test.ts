import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { applyTransfers, type Command, verifyLedger } from '#modules/ledger'
import { system } from '#platform/work'
import { type Answer, type Body, openApiHouse, type Person } from '#test/api-house'
import { until } from '#test/harness'

const house = await openApiHouse({ after })
const nobody = house.as(null)
const shop = await house.company()

const leave = (person: Person, more: object = {}) =>
  person.delete('/v1/me', { currentPassword: person.password, ...more })
const wallet = async ({ walletId }: Person) => (await house.get(`/v1/wallets/${walletId}`)).body
const statement = async ({ walletId }: Person): Promise<Body[]> =>
  (await house.get(`/v1/wallets/${walletId}/transfers`)).body.items
const typeOf = ({ status, body }: { status: number; body: Body }) => [status, body.type]
const spend = (person: Person, amount: number) => house.spend(person.walletId, amount, { merchantId: shop.id })
const idOf = (publicId: string) => publicId.replace(/^..._(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

test('who leaves is signed out everywhere, and nothing personal is left to see', async () => {
  const email = 'leaver@example.com'
  const person = await house.person({ email, nickname: '떠나는 사람', birthOn: '2001-05-05', bio: '안녕' })
  const elsewhere = (await nobody.post('/v1/sessions', { email, password: person.password })).body
  assert.equal((await leave(person)).status, 204)
  for (const token of [person.accessToken, elsewhere.accessToken]) {
    assert.equal((await house.as(token).get('/v1/me')).status, 401)
  }
  const refreshed = await nobody.post('/v1/sessions/refresh', { refreshToken: elsewhere.refreshToken })
  const signedIn = await nobody.post('/v1/sessions', { email, password: person.password })
  assert.deepEqual([refreshed.status, signedIn.status], [401, 401])
  const { nickname, email: shown } = (await house.get(`/v1/members/${person.id}`)).body
  assert.deepEqual([nickname, shown], ['A member who left', null])
  const rows = await house.ownerSql.rows<{ text: string }>(
    `select m::text as text from identity.member m where id = $1
     union all select s::text from identity.session s where member_id = $1
     union all select l::text from platform.link l where subject_id = $1`,
    [idOf(person.id)],
  )
  for (const { text } of rows) assert.doesNotMatch(text, /leaver|떠나는|2001-05-05|안녕|127\.0\.0\.1|lightMyRequest/)
})

test('nothing personal is left in what the sign-up was answered; that it was answered stays', async () => {
  const headers = { 'idempotency-key': 'a-sign-up' }
  const body = {
    email: 'forget@example.com',
    nickname: '잊을 사람',
    password: '보라색 포도 다섯 송이',
    bio: '나의 이야기',
  }
  const first = await house.as(null).post('/v1/accounts', body, headers)
  const person = house.as(first.body.accessToken)
  assert.equal((await person.delete('/v1/me', { currentPassword: body.password })).status, 204)
  const [kept] = await house.ownerSql.rows<{ all: string }>(
    `select string_agg(k::text, ' ') as all from platform.idempotency_key k`,
  )
  for (const trace of [body.email, body.nickname, body.bio]) assert.equal(kept!.all.includes(trace), false, trace)
  const again = await house.as(null).post('/v1/accounts', body, headers)
  assert.deepEqual(
    [again.status, again.headers['idempotent-replayed'], again.body.member.id],
    [201, 'true', first.body.member.id],
  )
  assert.deepEqual([again.body.member.email, again.body.member.bio], [null, null])
})

test('address and nickname are free again: a new account with them has a wallet of its own', async () => {
  const same = { email: 'again@example.com', nickname: '다시 온 사람' }
  const first = await house.person(same)
  await house.charge(first.walletId, 100, { class: 'bonus' })
  assert.equal((await leave(first)).status, 204)
  const second = await house.person(same)
  assert.notEqual(second.walletId, first.walletId)
  assert.equal((await wallet(second)).balance, 0)
})

test('403 without the password or with a wrong one, and nothing has changed', async () => {
  const person = await house.person()
  for (const body of [{}, { currentPassword: 'nonsense' }]) {
    const answer = await person.delete('/v1/me', body)
    assert.deepEqual(typeOf(answer), [403, '/problems/identity/password-wrong'])
  }
  assert.equal((await person.delete('/v1/me')).status, 403)
  assert.equal((await person.get('/v1/me')).body.email, person.email)
})

test('bonus and prize points lapse, and the statement says why', async () => {
  const person = await house.person()
  await house.charge(person.walletId, 700, { class: 'bonus' })
  await spend(person, 200)
  assert.equal((await leave(person)).status, 204)
  const [last] = await statement(person)
  assert.deepEqual(
    [last!.kind, last!.amount, last!.balanceAfter, last!.reason],
    ['adjust', -500, 0, 'Lapsed when the member left'],
  )
  assert.equal((await wallet(person)).balance, 0)
})

test('409 while paid points are left, with how many, until they are given up expressly', async () => {
  const person = await house.person()
  await house.charge(person.walletId, 1_000)
  await house.charge(person.walletId, 50, { class: 'bonus' })
  const refused = await leave(person)
  assert.deepEqual([...typeOf(refused), refused.body.paid], [409, '/problems/identity/paid-points-remain', 1_000])
  assert.equal((await wallet(person)).balance, 1_050)
  assert.equal((await person.get('/v1/me')).status, 200)
  assert.equal((await leave(person, { giveUpPaidPoints: true })).status, 204)
  const reasons = (await statement(person)).filter(({ kind }) => kind === 'adjust').map(({ reason }) => reason)
  assert.deepEqual(reasons.toSorted(), ['Given up when the member left', 'Lapsed when the member left'])
  assert.equal((await wallet(person)).balance, 0)
})

test('409 while points are on hold, until the hold has ended', async () => {
  const person = await house.person()
  await house.charge(person.walletId, 100, { class: 'bonus' })
  const { body: hold } = await house.post(`/v1/wallets/${person.walletId}/holds`, {
    amount: 30,
    expiresInSeconds: 600,
    merchantId: shop.id,
  })
  const refused = await leave(person)
  assert.deepEqual([...typeOf(refused), refused.body.held], [409, '/problems/identity/holds-pending', 30])
  await house.post(`/v1/holds/${hold.id}/void`)
  assert.equal((await leave(person)).status, 204)
})

test('what has expired falls due by its own rule, and only the rest lapses by leaving', async (t) => {
  const late = await openApiHouse(t)
  const person = await late.person()
  const inAnHour = new Date(Date.parse((await person.get('/v1/me')).body.createdAt) + 3_600_000).toISOString()
  await late.charge(person.walletId, 40, { class: 'bonus', expiresAt: inAnHour })
  await late.charge(person.walletId, 60, { class: 'bonus' })
  const hold = { amount: 10, expiresInSeconds: 60, merchantId: (await late.company()).id }
  assert.equal((await late.post(`/v1/wallets/${person.walletId}/holds`, hold)).status, 201)
  await late.post('/v1/sandbox/clock', { advanceSeconds: 7_200 })
  const { body } = await nobodyOf(late).post('/v1/sessions', { email: person.email, password: person.password })
  const answer = await late.as(body.accessToken).delete('/v1/me', { currentPassword: person.password })
  assert.equal(answer.status, 204)
  const { items } = (await late.get(`/v1/wallets/${person.walletId}/transfers`)).body
  const booked = items.map(({ kind, amount }: Body) => [kind, amount])
  assert.deepEqual(booked.slice(0, 2), [
    ['adjust', -60],
    ['expire', -40],
  ])
})

const nobodyOf = (of: { as(credential: null): typeof nobody }) => of.as(null)

test('a wallet of more lots than a batch takes legs is emptied whole', async (t) => {
  const big = await openApiHouse(t)
  const person = await big.person()
  for (let batch = 0; batch < 6; batch += 1) {
    const transfers = Array.from({ length: 1_000 }, (_, at) => ({
      kind: 'charge',
      walletId: person.walletId,
      amount: 1,
      class: batch < 5 ? 'bonus' : 'paid',
      idempotencyKey: `lot-${batch}-${at}`,
    }))
    assert.equal((await big.post('/v1/transfers/batch', { transfers })).status, 200)
  }
  const body = { currentPassword: person.password, giveUpPaidPoints: true }
  assert.equal((await person.delete('/v1/me', body)).status, 204)
  assert.equal((await big.get(`/v1/wallets/${person.walletId}`)).body.balance, 0)
  assert.equal((await verifyLedger(big.database)).differences, 0)
})

test('of twenty who leave with one account at once one does, and the points lapse once', async () => {
  const person = await house.person()
  await house.charge(person.walletId, 500, { class: 'bonus' })
  const answers = await Promise.all(Array.from({ length: 20 }, () => leave(person)))
  const statuses = answers.map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 204).length, 1)
  assert.deepEqual(
    statuses.filter((status) => ![204, 401, 404].includes(status)),
    [],
  )
  assert.equal((await statement(person)).filter(({ kind }) => kind === 'adjust').length, 1)
})

test('404 for somebody whose login went while the request was on its way', async () => {
  const person = await house.person()
  await house.ownerSql.run('delete from identity.login where member_id = $1', [idOf(person.id)])
  assert.deepEqual(typeOf(await leave(person)), [404, '/problems/identity/member-unknown'])
})

test('409 for whatever would come into the wallet of somebody who left; what was answered before is answered again', async () => {
  const [person, friend] = [await house.person(), await house.person()]
  await house.charge(friend.walletId, 100, { class: 'bonus' })
  const charge = (amount: number, key: string) =>
    house.post(`/v1/wallets/${person.walletId}/charges`, { amount, class: 'bonus' }, { 'idempotency-key': key })
  const before = await charge(500, 'before-leaving')
  const spent = (await spend(person, 200)).body
  assert.equal((await leave(person)).status, 204)
  const coming = [
    await charge(1, 'after-leaving'),
    await charge(1, 'after-leaving'),
    await house.refund(spent.id),
    await friend.post(`/v1/wallets/${friend.walletId}/moves`, { toWalletId: person.walletId, amount: 1 }),
  ]
  for (const answer of coming) assert.deepEqual(typeOf(answer), [409, '/problems/ledger/wallet-closed'])
  assert.deepEqual(
    coming.map(({ headers }) => headers['idempotent-replayed']),
    [undefined, 'true', undefined, undefined],
  )
  const again = await charge(500, 'before-leaving')
  assert.deepEqual([again.status, again.text], [201, before.text])
  assert.deepEqual(typeOf(await spend(person, 1)), [409, '/problems/ledger/insufficient-points'])
  const balances = [(await wallet(person)).balance, (await wallet(friend)).balance]
  assert.deepEqual(balances, [0, 100])
  const answers = [spent.id, before.body.id].map((id) => house.get(`/v1/transfers/${id}`))
  assert.deepEqual(
    (await Promise.all(answers)).map(({ body }) => body.refundedAmount),
    [0, 0],
  )
})

test('leaving beside spends, charges, refunds and gifts lets all that came before lapse, and nothing in after', async () => {
  const [other, friend] = [await house.secondApi(), await house.person()]
  await house.charge(friend.walletId, 1_000, { class: 'bonus' })
  const known = ['done', '/problems/ledger/insufficient-points', '/problems/ledger/wallet-closed']
  const toOutcome = ({ status, body }: Answer): string => (status === 201 ? 'done' : body.type)
  const outcomes = new Set<string>()
  for (let round = 0; round < 10; round += 1) {
    const person = await house.person()
    await house.charge(person.walletId, 1_000, { class: 'bonus' })
    const spent = (await spend(person, 90)).body.id
    const beside = Array.from({ length: 12 }, (_, at) => {
      const api = at % 3 === 0 ? other : house
      if (at % 4 === 0) return api.spend(person.walletId, 7, { merchantId: shop.id })
      if (at % 4 === 1) return api.charge(person.walletId, 11, { class: 'bonus' })
      if (at % 4 === 2) return api.refund(spent, { amount: 30 })
      return api.post(`/v1/wallets/${friend.walletId}/moves`, { toWalletId: person.walletId, amount: 5 })
    })
    const [left, ...others] = await Promise.all([leave(person), ...beside])
    assert.equal(left.status, 204, left.text)
    const [last] = await statement(person)
    assert.deepEqual([(await wallet(person)).balance, last!.kind, last!.balanceAfter], [0, 'adjust', 0])
    const late = [await spend(person, 1), await house.charge(person.walletId, 1, { class: 'bonus' })]
    assert.deepEqual(late.map(toOutcome), known.slice(1))
    for (const answer of others) outcomes.add(toOutcome(answer))
  }
  assert.deepEqual(
    [...outcomes].filter((outcome) => !known.includes(outcome)),
    [],
  )
  assert.equal((await verifyLedger(house.database)).differences, 0)
})

test('paid points that are charged beside leaving are there for who stays, and refused for who has left', async () => {
  for (let round = 0; round < 10; round += 1) {
    const person = await house.person()
    const [left, charged] = await Promise.all([
      leave(person),
      house.post(`/v1/wallets/${person.walletId}/charges`, { amount: 300, class: 'paid' }),
    ])
    const isGone = left.status === 204
    assert.deepEqual([left.status, charged.status], isGone ? [204, 409] : [409, 201])
    assert.equal((await wallet(person)).balance, isGone ? 0 : 300)
  }
})

test('leaving waits for a charge that is under way in the wallet, and is refused for what it brought', async () => {
  const person = await house.person()
  const walletId = idOf(person.walletId)
  const context = { actor: system, memberId: null, reason: null, reference: null, metadata: null, key: null }
  const charge: Command = {
    ...context,
    kind: 'charge',
    walletId,
    class: 'paid',
    amount: 300,
    expiresAt: null,
    paymentId: null,
  }
  const settings = { spendOrder: 'bonus-first', refundGraceDays: 30 } as const
  const isWaitingFor = async (table: string) => {
    const waiters = await house.ownerSql.rows(
      `select from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0`,
      [table],
    )
    return waiters.length > 0
  }
  const [login, wallet] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const isHeld = Promise.withResolvers<void>()
  // Stops whoever leaves after the first look at the wallet, so that the charge begins in between.
  const holding = house.withWork(system, async (work) => {
    await work.sql.rows('select from identity.login where member_id = $1 for update', [idOf(person.id)])
    isHeld.resolve()
    await login.promise
  })
  await isHeld.promise
  let hasAnswered = false
  const leaving = leave(person).finally(() => {
    hasAnswered = true
  })
  await until('leaving waits for the login', () => isWaitingFor('identity.login'))
  const isCharged = Promise.withResolvers<void>()
  const charging = house.withWork(system, async (work) => {
    await applyTransfers(work, { commands: [charge], settings, wait: true })
    isCharged.resolve()
    await wallet.promise
  })
  await isCharged.promise
  login.resolve()
  await holding
  await until('leaving waits for the wallet', async () => hasAnswered || (await isWaitingFor('ledger.account')))
  wallet.resolve()
  await charging
  assert.deepEqual(typeOf(await leaving), [409, '/problems/identity/paid-points-remain'])
  assert.equal((await person.get('/v1/me')).status, 200)
})

test('409 for the last administrator, and of two who leave at once one stays', async (t) => {
  const programme = await openApiHouse(t)
  const [one, other] = [await programme.person(), await programme.person()]
  const promote = ({ id }: Person) => programme.put(`/v1/members/${id}/role`, { role: 'ADMIN' })
  assert.equal((await promote(one)).status, 200)
  assert.deepEqual(typeOf(await leave(one)), [409, '/problems/identity/last-admin'])
  assert.equal((await promote(other)).status, 200)
  const statuses = (await Promise.all([leave(one), leave(other)])).map(({ status }) => status)
  assert.deepEqual(statuses.toSorted(), [204, 409])
})

test('owners leave too, and a company without one is the operator’s to give', async () => {
  const company = await house.company()
  const [one, other] = [await house.person(), await house.person()]
  const own = ({ id }: Person) => house.put(`/v1/companies/${company.id}/members/${id}/role`, { role: 'OWNER' })
  assert.equal((await own(one)).status, 200)
  assert.equal((await own(other)).status, 200)
  const statuses = (await Promise.all([leave(one), leave(other)])).map(({ status }) => status)
  assert.deepEqual(statuses, [204, 204])
  assert.deepEqual((await house.get(`/v1/companies/${company.id}/members`)).body.items, [])
  const next = await house.person()
  assert.deepEqual([(await own(next)).status, (await next.get(`/v1/companies/${company.id}`)).status], [200, 200])
})

test('whoever only serves in a company leaves it too', async () => {
  const company = await house.company()
  const staff = await house.person()
  await house.put(`/v1/companies/${company.id}/members/${staff.id}/role`, { role: 'STAFF' })
  assert.equal((await leave(staff)).status, 204)
  assert.deepEqual((await house.get(`/v1/companies/${company.id}/members`)).body.items, [])
})
