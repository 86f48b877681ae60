import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fromPublicId } from '#platform/ids'
import { system } from '#platform/work'
import { type Answer, type Caller, openApiHouse, type Person } from '#test/api-house'
import { until } from '#test/harness'

const house = await openApiHouse({ after })
const company = await house.company()
const other = await house.company()
const till = house.as(await house.apiKey(company.id))
const otherTill = house.as(await house.apiKey(other.id))

const shopper = async (points = 1_000): Promise<Person> => {
  const person = await house.person()
  if (points > 0) assert.equal((await house.charge(person.walletId, points)).status, 201)
  return person
}
const show = async (person: Person): Promise<string> => {
  const { status, body, text } = await person.post('/v1/me/payment-codes')
  assert.equal(status, 201, text)
  return body.code
}
const pay = (by: Caller, { walletId }: { walletId: string }, more: object, key?: string) =>
  by.post(`/v1/wallets/${walletId}/spends`, { amount: 100, ...more }, key ? { 'idempotency-key': key } : {})
const lookUp = (by: Caller, code: string) => by.post('/v1/payment-codes/lookup', { code })
/** The same person on another device. */
const signIn = async ({ email, password }: Person): Promise<Caller> =>
  house.as((await house.as(null).post('/v1/sessions', { email, password })).body.accessToken)
const told = ({ status, body }: Answer) => [status, body.type]
const unknown = [404, '/problems/points/code-unknown']
const ended = [409, '/problems/points/code-ended']

test('a payment code is shown once, as letters and as a picture; a replay has neither, and the database nothing of it', async () => {
  const person = await shopper(0)
  const headers = { 'idempotency-key': 'shown-once' }
  const first = await person.post('/v1/me/payment-codes', {}, headers)
  assert.match(first.body.code, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/)
  assert.match(first.body.qr, /^<svg .*<\/svg>$/s)
  assert.equal(first.body.walletId, person.walletId)
  const again = await person.post('/v1/me/payment-codes', {}, headers)
  assert.deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true'])
  assert.deepEqual(again.body, { ...first.body, code: null, qr: null })
  const [row] = await house.ownerSql.rows<{ all: string }>(
    `select string_agg(c::text || a.answer, ' ') as all
     from points.payment_code c, (select string_agg(x::text, ' ') as answer from platform.idempotency_key x) a`,
    [],
  )
  const plain = first.body.code.replaceAll('-', '')
  // Bytes are shown as hexadecimal digits.
  for (const form of [first.body.code, plain, Buffer.from(plain).toString('hex')])
    assert.equal(row!.all.includes(form), false)
})

test('with a payment code the key of any company spends from that wallet at that company, and sees no more of it', async () => {
  const person = await shopper()
  const spent = await pay(till, person, { paymentCode: await show(person) })
  assert.equal(spent.status, 201, spent.text)
  assert.deepEqual([spent.body.merchantId, spent.body.balanceAfter, spent.body.lots], [company.id, null, []])
  assert.equal((await till.get(`/v1/wallets/${person.walletId}`)).status, 404)
  assert.equal((await person.get(`/v1/wallets/${person.walletId}`)).body.balance, 900)
  const refunded = await till.post(`/v1/transfers/${spent.body.id}/refunds`)
  assert.deepEqual([refunded.status, refunded.body.balanceAfter], [201, null])
})

test('with a payment code a company holds points, and posts them later without one', async () => {
  const person = await shopper()
  const body = { amount: 300, paymentCode: await show(person), merchantId: company.id }
  const hold = await till.post(`/v1/wallets/${person.walletId}/holds`, body)
  assert.deepEqual([hold.status, hold.body.merchantId, hold.body.lots], [201, company.id, []])
  assert.equal((await till.post(`/v1/holds/${hold.body.id}/post`)).status, 200)
  assert.equal((await person.get(`/v1/wallets/${person.walletId}`)).body.balance, 700)
})

test('a hold with a payment code lasts seven days at most; a longer one leaves the code good', async () => {
  const person = await shopper()
  const paymentCode = await show(person)
  const holds = `/v1/wallets/${person.walletId}/holds`
  const hold = { amount: 1, paymentCode, expiresInSeconds: 604_801 }
  const refused = await till.post(holds, hold)
  assert.deepEqual([refused.status, refused.body.errors[0].pointer], [400, '/expiresInSeconds'])
  const item = { kind: 'hold', walletId: person.walletId, ...hold }
  const { results } = (await till.post('/v1/transfers/batch', { transfers: [item] })).body
  assert.deepEqual([results[0].status, results[0].problem.errors[0].pointer], [400, '/expiresInSeconds'])
  const { status, body } = await till.post(holds, { ...hold, expiresInSeconds: 604_800 })
  assert.deepEqual([status, Date.parse(body.expiresAt) - Date.parse(body.createdAt)], [201, 604_800_000])
})

test('who showed a payment code finds the hold in the statement, until when it lasts, and what became of it', async () => {
  const person = await shopper()
  const body = { amount: 300, paymentCode: await show(person), reason: 'A table for two' }
  const { body: hold } = await till.post(`/v1/wallets/${person.walletId}/holds`, body)
  const lines = async () => (await person.get(`/v1/wallets/${person.walletId}/transfers`)).body.items
  const [line] = await lines()
  assert.deepEqual(
    [line.kind, line.heldChange, line.merchantId, line.reason, line.holdId],
    ['hold', 300, company.id, 'A table for two', hold.id],
  )
  const { expiresAt, status } = (await person.get(`/v1/holds/${line.holdId}`)).body
  assert.deepEqual([expiresAt, status], [hold.expiresAt, 'pending'])
  assert.equal((await till.post(`/v1/holds/${hold.id}/post`)).status, 200)
  const holdIds = (await lines()).map(({ kind, holdId }: Answer['body']) => [kind, holdId])
  assert.deepEqual(holdIds, [
    ['post', hold.id],
    ['hold', hold.id],
    ['charge', null],
  ])
})

test('a payment code is spent at the company of the key, whatever the home of the wallet', async () => {
  const { walletId } = await house.member(company.id)
  const person = await shopper()
  const elsewhere = await pay(till, person, { paymentCode: await show(person), merchantId: other.id })
  assert.deepEqual([elsewhere.status, elsewhere.body.errors[0].pointer], [400, '/merchantId'])
  for (const by of [house, person]) {
    const refused = await pay(by, person, { paymentCode: await show(person) })
    assert.deepEqual([refused.status, refused.body.errors[0].pointer], [400, '/paymentCode'])
  }
  assert.deepEqual(told(await pay(till, { walletId }, { paymentCode: await show(person) })), unknown)
})

test('20 tills with one payment code at once: one of them has it, and the wallet falls once', async () => {
  for (const what of ['spends', 'holds']) {
    const person = await shopper()
    const paymentCode = await show(person)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        (at % 2 ? till : otherTill).post(`/v1/wallets/${person.walletId}/${what}`, { amount: 10, paymentCode }),
      ),
    )
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
    for (const refused of answers.filter(({ status }) => status !== 201)) assert.deepEqual(told(refused), ended)
    assert.equal((await person.get(`/v1/wallets/${person.walletId}`)).body.available, 990)
  }
})

test('the same request with a payment code, 20 times at once and later, takes effect once and is answered the same', async () => {
  const person = await shopper()
  const paymentCode = await show(person)
  const send = () => pay(till, person, { paymentCode }, 'till-1-receipt-7')
  const texts = new Set((await Promise.all(Array.from({ length: 20 }, send))).map(({ text }) => text))
  assert.equal(texts.size, 1)
  await show(person)
  const late = await send()
  assert.deepEqual([late.text, late.headers['idempotent-replayed']], [[...texts][0], 'true'])
  assert.equal((await person.get(`/v1/wallets/${person.walletId}`)).body.balance, 900)
})

test('a request that was cut off after it took the payment code is finished by sending it again, and by nothing else', async () => {
  const person = await shopper()
  const paymentCode = await show(person)
  const full = await house.secondApi({ laneQueueMax: 0 })
  const cutTill = full.as(await house.apiKey(company.id))
  assert.equal((await pay(cutTill, person, { paymentCode }, 'cut-off')).status, 503)
  assert.deepEqual(told(await pay(till, person, { paymentCode }, 'another')), ended)
  assert.deepEqual(told(await pay(otherTill, person, { paymentCode }, 'cut-off')), ended)
  assert.deepEqual(told(await lookUp(till, paymentCode)), ended)
  assert.equal((await pay(till, person, { paymentCode }, 'cut-off')).status, 201)
  assert.equal((await pay(till, person, { paymentCode, amount: 101 }, 'cut-off')).status, 422)
  assert.equal((await person.get(`/v1/wallets/${person.walletId}`)).body.balance, 900)
})

test('a payment code that was taken for a request is not taken for another under the same key', async () => {
  const person = await shopper()
  const paymentCode = await show(person)
  const full = await house.secondApi({ laneQueueMax: 0 })
  const cutTill = full.as(await house.apiKey(company.id))
  assert.equal((await pay(cutTill, person, { paymentCode }, 'changed')).status, 503)
  assert.deepEqual(told(await pay(till, person, { paymentCode, amount: 900 }, 'changed')), ended)
})

test('a refusal uses the payment code up, so that nobody finds the balance by trying, and does not tell it', async () => {
  const person = await shopper(50)
  const paymentCode = await show(person)
  const refused = await pay(till, person, { paymentCode }, 'too-much')
  assert.deepEqual(told(refused), [409, '/problems/points/code-not-covered'])
  assert.deepEqual([refused.body.required, 'available' in refused.body], [100, false])
  assert.equal((await pay(till, person, { paymentCode }, 'too-much')).text.includes('code-not-covered'), true)
  assert.deepEqual(told(await pay(till, person, { paymentCode, amount: 10 })), ended)
})

test('a right that is missing leaves the payment code good', async () => {
  const person = await shopper()
  const paymentCode = await show(person)
  const reader = house.as(await house.apiKey(company.id, { scopes: ['read', 'points:issue-paid'] }))
  assert.equal((await pay(reader, person, { paymentCode })).status, 403)
  const item = { kind: 'spend', walletId: person.walletId, amount: 1, paymentCode }
  const { body } = await reader.post('/v1/transfers/batch', { transfers: [item] })
  assert.equal(body.results[0].status, 404)
  assert.equal((await pay(till, person, { paymentCode })).status, 201)
})

test('the next payment code of a wallet ends the one before, also when many are made at once', async () => {
  const person = await shopper()
  const codes = await Promise.all(Array.from({ length: 20 }, () => show(person)))
  assert.equal(new Set(codes).size, 20)
  const found = await Promise.all(codes.map((code) => lookUp(till, code)))
  assert.deepEqual(found.map(({ status }) => status).toSorted(), [200, ...Array.from({ length: 19 }, () => 404)])
  codes.push(await show(person))
  const later = await Promise.all(codes.map((code) => lookUp(till, code)))
  assert.deepEqual(
    later.flatMap(({ status }, at) => (status === 200 ? [at] : [])),
    [20],
  )
})

test('a payment code is looked up without using it, however it was typed, by a key that may spend and nobody else', async () => {
  const person = await shopper()
  const code = await show(person)
  const typed = [code, code.toLowerCase(), code.replaceAll('-', ' '), code.replaceAll('1', 'l').replaceAll('0', 'o')]
  for (const form of typed) {
    const { status, body, text } = await lookUp(otherTill, form)
    assert.deepEqual([status, body.walletId], [200, person.walletId], text)
  }
  const reader = house.as(await house.apiKey(company.id, { scopes: ['read'] }))
  for (const by of [reader, house, person]) assert.equal((await lookUp(by, code)).status, 403)
  assert.equal((await pay(till, person, { paymentCode: code.toLowerCase().replaceAll('-', '') })).status, 201)
})

test('what is no payment code, of another wallet, or made up is unknown alike', async () => {
  const [person, stranger] = [await shopper(), await shopper()]
  const theirs = await show(stranger)
  const { expiresAt } = (await lookUp(till, theirs)).body
  for (const paymentCode of ['7K3M-Q9XD-V2PH-R5TN', 'nonsense', '코드', theirs])
    assert.deepEqual(told(await pay(till, person, { paymentCode })), unknown, paymentCode)
  for (const code of ['7K3M-Q9XD-V2PH-R5TN', 'nonsense', '코드'])
    assert.deepEqual(told(await lookUp(till, code)), unknown)
  assert.equal((await lookUp(till, theirs)).body.expiresAt, expiresAt)
})

test('a payment code ends after three minutes by the clock of the programme', async () => {
  const later = await openApiHouse({ after })
  const person = await later.person()
  await later.charge(person.walletId, 1_000)
  const key = later.as(await later.apiKey((await later.company()).id))
  const paymentCode = await show(person)
  await later.post('/v1/sandbox/clock', { advanceSeconds: 170 })
  assert.equal((await lookUp(key, paymentCode)).status, 200)
  await later.post('/v1/sandbox/clock', { advanceSeconds: 11 })
  assert.deepEqual(told(await lookUp(key, paymentCode)), ended)
  assert.deepEqual(told(await pay(key, person, { paymentCode })), ended)
})

test('what was cut off may be finished when the payment code has ended, and for a day at most', async () => {
  const later = await openApiHouse({ after })
  const [person, { id }] = [await later.person(), await later.company()]
  await later.charge(person.walletId, 1_000)
  const credential = await later.apiKey(id)
  const [key, cut] = [later.as(credential), (await later.secondApi({ laneQueueMax: 0 })).as(credential)]
  const cutOff = async (name: string) => {
    // Whoever signed in before the clock went on is not signed in any more.
    const { email, password } = person
    const { accessToken } = (await later.as(null).post('/v1/sessions', { email, password })).body
    const paymentCode = (await later.as(accessToken).post('/v1/me/payment-codes')).body.code
    assert.equal((await pay(cut, person, { paymentCode }, name)).status, 503)
    return paymentCode
  }
  const soon = await cutOff('soon')
  await later.post('/v1/sandbox/clock', { advanceSeconds: 3_600 })
  assert.equal((await pay(key, person, { paymentCode: soon }, 'soon')).status, 201)
  const late = await cutOff('late')
  await later.post('/v1/sandbox/clock', { advanceSeconds: 86_400 + 181 })
  assert.deepEqual(told(await pay(key, person, { paymentCode: late }, 'late')), ended)
})

test('a payment code pays nothing once the session that made it has ended, however it ended', async () => {
  const ends: Readonly<Record<string, (person: Person) => Promise<Answer>>> = {
    'signing out': (person) => person.delete('/v1/sessions/current'),
    'signing out everywhere': (person) => person.delete('/v1/sessions'),
    'a password that was changed elsewhere': async (person) =>
      (await signIn(person)).put('/v1/me/password', {
        currentPassword: person.password,
        newPassword: 'ten tangerines',
      }),
    'a refresh token that came twice': async ({ refreshToken }) => {
      await house.as(null).post('/v1/sessions/refresh', { refreshToken })
      return house.as(null).post('/v1/sessions/refresh', { refreshToken })
    },
    'the operator': ({ id }) => house.delete(`/v1/members/${id}/sessions`),
    leaving: (person) => person.delete('/v1/me', { currentPassword: person.password }),
  }
  for (const [way, end] of Object.entries(ends)) {
    const person = await shopper(way === 'leaving' ? 0 : 1_000)
    const paymentCode = await show(person)
    await end(person)
    assert.equal((await person.get('/v1/me')).status, 401, way)
    assert.deepEqual(told(await lookUp(till, paymentCode)), ended, way)
    assert.deepEqual(told(await pay(till, person, { paymentCode })), ended, way)
    const hold = { amount: 1, paymentCode }
    assert.deepEqual(told(await otherTill.post(`/v1/wallets/${person.walletId}/holds`, hold)), ended, way)
  }
})

test('a payment code outlives the other sessions of who made it', async () => {
  const person = await shopper()
  const device = await signIn(person)
  const { code: paymentCode } = (await device.post('/v1/me/payment-codes')).body
  assert.equal((await person.delete('/v1/sessions/current')).status, 204)
  assert.equal((await pay(till, person, { paymentCode })).status, 201)
})

test('once the session has ended, what was cut off is not finished, and what was answered is answered the same', async () => {
  const [person, another] = [await shopper(), await shopper()]
  const [paymentCode, theirs] = [await show(person), await show(another)]
  const full = await house.secondApi({ laneQueueMax: 0 })
  const cutTill = full.as(await house.apiKey(company.id))
  assert.equal((await pay(cutTill, person, { paymentCode }, 'cut-off-then-signed-out')).status, 503)
  const first = await pay(till, another, { paymentCode: theirs }, 'answered-then-signed-out')
  for (const { accessToken } of [person, another]) await house.as(accessToken).delete('/v1/sessions/current')
  assert.deepEqual(told(await pay(till, person, { paymentCode }, 'cut-off-then-signed-out')), ended)
  const replay = await pay(till, another, { paymentCode: theirs }, 'answered-then-signed-out')
  assert.deepEqual([replay.status, replay.text], [201, first.text])
})

test('who signs out while a till takes the payment code has paid nothing', async () => {
  const person = await shopper()
  const paymentCode = await show(person)
  const wallet = fromPublicId('wlt', person.walletId)!
  const [held, signedOut] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  // The till is stopped at the code itself, after whatever it looks at before.
  const holding = house.withWork(system, async (work) => {
    await work.sql.rows('select from points.payment_code where wallet_id = $1 for update', [wallet])
    held.resolve()
    await signedOut.promise
  })
  await held.promise
  const paying = pay(till, person, { paymentCode })
  const waiters = `select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock' and strpos(query, 'points.payment_code') > 0`
  await until('the till waits for the code', async () => (await house.ownerSql.rows(waiters, [])).length > 0)
  assert.equal((await person.delete('/v1/sessions/current')).status, 204)
  signedOut.resolve()
  await holding
  assert.deepEqual(told(await paying), ended)
  assert.equal((await house.get(`/v1/wallets/${person.walletId}`)).body.balance, 1_000)
})

test('payment codes work in a batch: each item with its own, and a code in two items once', async () => {
  const [one, two] = [await shopper(), await shopper()]
  const [first, second] = [await show(one), await show(two)]
  const spend = (walletId: string, paymentCode: string) => ({ kind: 'spend', walletId, amount: 10, paymentCode })
  const transfers = [
    spend(one.walletId, first),
    { ...spend(two.walletId, second), kind: 'hold' },
    spend(one.walletId, second),
    spend(one.walletId, first),
  ]
  const { body } = await till.post('/v1/transfers/batch', { transfers })
  const statuses = body.results.map(({ status }: { status: number }) => status)
  assert.deepEqual([statuses[0] + statuses[3], statuses[1], statuses[2]], [201 + 409, 201, 404])
  assert.equal((await one.get(`/v1/wallets/${one.walletId}`)).body.balance, 990)
})

test('of the items of a batch with one payment code the first has it, every time', async () => {
  for (let round = 0; round < 10; round += 1) {
    const person = await shopper()
    const paymentCode = await show(person)
    const transfers = [1, 2, 3, 4, 5, 6].map((amount) => ({
      kind: 'spend',
      walletId: person.walletId,
      amount,
      paymentCode,
      idempotencyKey: `${round}-${amount}`,
    }))
    const { body } = await till.post('/v1/transfers/batch', { transfers })
    assert.deepEqual(
      body.results.map(({ status }: { status: number }) => status),
      [201, 409, 409, 409, 409, 409],
    )
  }
})

test('422 for a payment code asked for under a key that another request has', async () => {
  const person = await shopper()
  const headers = { 'idempotency-key': 'taken' }
  const spend = { amount: 10, merchantId: company.id }
  assert.equal((await person.post(`/v1/wallets/${person.walletId}/spends`, spend, headers)).status, 201)
  const { status, body } = await person.post('/v1/me/payment-codes', {}, headers)
  assert.deepEqual([status, body.type], [422, '/problems/idempotency/key-reused'])
})

test('a payment code that is shown while the secret of the service changes is good for what it was', async () => {
  const person = await shopper()
  const code = await show(person)
  const changed = await house.secondApi({ secretKey: Buffer.alloc(32, 7).toString('base64') })
  const by = changed.as(await house.apiKey(company.id))
  assert.equal((await lookUp(by, code)).body.walletId, person.walletId)
  const paid = await pay(by, person, { paymentCode: code })
  assert.equal(paid.status, 201, paid.text)
  assert.deepEqual(told(await pay(by, person, { paymentCode: code })), ended)
})
