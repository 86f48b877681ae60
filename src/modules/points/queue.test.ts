import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { verifyLedger } from '#modules/ledger'
import type { Config } from '#platform/config'
import { openDatabase } from '#platform/database'
import type { Answer, Body, Caller } from '#test/api-house'
import { until } from '#test/harness'
import { openPointsHouse } from '#test/points-house'

const house = await openPointsHouse({ after })
const { ownerSql } = house
const company = await house.company()
const key = await house.apiKey(company.id, { scopes: ['points', 'read'] })
const byKey = house.as(key)
const later = { prefer: 'respond-async' }
let keys = 0
const fresh = () => {
  keys += 1
  return { 'idempotency-key': `queue-${keys}` }
}

const member = async (points = 0): Promise<string> => {
  const { walletId } = await house.member(company.id)
  if (points > 0) await house.charge(walletId, points)
  return walletId
}
const takenOn = (answer: Answer): string => {
  assert.equal(answer.status, 202, answer.text)
  assert.equal(answer.body.status, 'pending')
  assert.equal(answer.headers.location, `/v1/operations/${answer.body.id}`)
  return String(answer.headers.location)
}
const spendLater = async (walletId: string, amount: number, headers: Record<string, string> = fresh()) =>
  takenOn(await byKey.post(`/v1/wallets/${walletId}/spends`, { amount }, { ...later, ...headers }))
/** A new key of the company, with its secret. */
const keyOf = async (): Promise<Body> => {
  const body = { name: 'Another', scopes: ['points', 'read'] }
  return (await house.post(`/v1/companies/${company.id}/api-keys`, body)).body
}
/** What became of operations, once a worker has had its turn. */
const settled = async (...paths: string[]): Promise<Body[]> => settledBy({}, ...paths)
const settledBy = async (settings: Partial<Config>, ...paths: string[]): Promise<Body[]> => {
  const worker = await house.worker(settings)
  const waiting = () => ownerSql.rows('select from platform.operation where completed_at is null')
  await until('nothing waits', async () => (await waiting()).length === 0)
  await worker.close()
  return Promise.all(paths.map(async (path) => (await byKey.get(path)).body))
}

/** Runs while nobody but administrators gets at the database of the house. */
const withoutDatabase = async (run: () => Promise<void>): Promise<void> => {
  const [{ name }] = (await ownerSql.rows('select current_database() as name')) as [{ name: string }]
  const admin = openDatabase({ url: process.env.PODO_TEST_ADMIN_URL!, poolSize: 1 })
  await admin.sql.run(`alter database ${name} connection limit 0`)
  await admin.sql.rows('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
  try {
    await run()
  } finally {
    await admin.sql.run(`alter database ${name} connection limit -1`)
    await admin.close()
  }
}

test('what is asked for asynchronously is taken on, waits, is done once, and is answered by its key ever after', async () => {
  const walletId = await member(1_000)
  const headers = fresh()
  const path = await spendLater(walletId, 300, headers)
  assert.equal((await byKey.get(path)).body.status, 'pending')
  assert.equal(await spendLater(walletId, 300, headers), path, 'the same key again')
  assert.equal((await house.wallet(walletId)).balance, 1_000)

  const [operation] = await settled(path)
  assert.equal(operation.status, 'succeeded')
  assert.equal(operation.outcome.status, 201)
  assert.equal(operation.outcome.body.amount, 300)
  assert.ok(operation.completedAt >= operation.createdAt)
  assert.equal((await house.wallet(walletId)).balance, 700)

  for (const more of [later, {}]) {
    const again = await byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 300 }, { ...more, ...headers })
    assert.equal(again.status, 201, again.text)
    assert.equal(again.headers['idempotent-replayed'], 'true')
    assert.deepEqual(again.body, operation.outcome.body)
    assert.equal(again.headers['preference-applied'], undefined)
  }
  const other = await byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 301 }, { ...later, ...headers })
  assert.equal(other.status, 422, other.text)
  assert.equal((await house.wallet(walletId)).balance, 700)
})

test('a synchronous request whose key waits answers 202 with the same place, single or in a batch, and does nothing', async () => {
  const walletId = await member(1_000)
  const headers = fresh()
  const path = await spendLater(walletId, 100, headers)
  const now = await byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 100 }, headers)
  assert.equal(takenOn(now), path)
  const item = { kind: 'spend', walletId, amount: 100, idempotencyKey: headers['idempotency-key'] }
  const batch = await byKey.post('/v1/transfers/batch', { transfers: [item] })
  assert.equal(batch.body.results[0].status, 202, batch.text)
  const changed = await byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 101 }, headers)
  assert.equal(changed.status, 422, changed.text)
  assert.equal((await house.wallet(walletId)).balance, 1_000)
  await settled()
  assert.equal((await house.wallet(walletId)).balance, 900)
})

test('a refusal of any kind is final: it is kept under the key, whatever could be mended since', async () => {
  const walletId = await member(10)
  const [short, nowhere] = [fresh(), fresh()]
  const elsewhere = `wlt_${'0'.repeat(32)}`
  const paths = [await spendLater(walletId, 11, short), await spendLater(elsewhere, 1, nowhere)]
  const [poor, lost] = await settled(...paths)
  assert.deepEqual([poor.status, poor.outcome.status, lost.outcome.status], ['failed', 409, 404])
  assert.equal(poor.outcome.body.available, 10)
  await house.charge(walletId, 1_000)
  const again = await byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 11 }, short)
  assert.deepEqual([again.status, again.headers['idempotent-replayed']], [409, 'true'])
  const unknown = await byKey.post(`/v1/wallets/${elsewhere}/spends`, { amount: 1 }, nowhere)
  assert.deepEqual([unknown.status, unknown.headers['idempotent-replayed']], [404, 'true'])
  const korean = await byKey.get(paths[0]!, { 'accept-language': 'ko' })
  assert.match(korean.body.outcome.body.title, /포인트/)
})

test('whoever may not come in any more, or not with the rights of then, has what waits refused, and nothing is moved', async () => {
  const walletId = await member(100)
  const revoked = await keyOf()
  const [stays, leaves, former, other] = await Promise.all(Array.from({ length: 4 }, () => house.person()))
  const setRole = async (id: string, role: string) =>
    assert.equal((await house.put(`/v1/members/${id}/role`, { role })).status, 200)
  for (const { id } of [former!, other!]) await setRole(id, 'ADMIN')
  const spendBy = async (caller: typeof byKey, from: string) => {
    if (from !== walletId) await house.charge(from, 10)
    return takenOn(await caller.post(`/v1/wallets/${from}/spends`, { amount: 1, merchantId: company.id }, later))
  }
  const kept = [await spendBy(byKey, walletId), await spendBy(stays!, stays!.walletId)]
  const gift = { amount: 1, class: 'bonus', reason: 'A gift' }
  const lost = [
    await spendBy(house.as(revoked.secret), walletId),
    await spendBy(leaves!, leaves!.walletId),
    takenOn(await former!.post(`/v1/wallets/${walletId}/charges`, gift, later)),
  ]
  assert.equal((await house.delete(`/v1/companies/${company.id}/api-keys/${revoked.id}`)).status, 204)
  assert.equal((await leaves!.delete('/v1/sessions/current')).status, 204)
  await setRole(former!.id, 'USER')
  await settled()
  const statusOf = async (path: string) => (await house.get(path)).body.outcome.status
  assert.deepEqual(await Promise.all([...kept, ...lost].map(statusOf)), [201, 201, 401, 401, 401])
  assert.equal((await house.wallet(walletId)).balance, 99)
})

test('what is wrong with the request itself is refused at once, and nothing is taken on', async () => {
  const walletId = await member()
  for (const body of [{ amount: 0 }, { amount: 1, merchantId: 'cmp_none' }, { amount: 1, more: 1 }]) {
    const answer = await byKey.post(`/v1/wallets/${walletId}/spends`, body, later)
    assert.equal(answer.status, 400, answer.text)
  }
  assert.equal((await house.as(null).post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, later)).status, 401)
  assert.deepEqual(await ownerSql.rows('select from platform.operation where completed_at is null'), [])
})

test('operations of a wallet are carried out in the order in which they were taken on', async () => {
  const walletId = await member()
  const paths: string[] = []
  for (let n = 1; n <= 40; n += 1) {
    const charge = await house.post(`/v1/wallets/${walletId}/charges`, { amount: n, class: 'paid' }, later)
    takenOn(charge)
    // Each empties the wallet, so any other order refuses one.
    paths.push(await spendLater(walletId, n))
  }
  for (const operation of await settled(...paths))
    assert.equal(operation.status, 'succeeded', JSON.stringify(operation))
  assert.equal((await house.wallet(walletId)).balance, 0)
})

test('an operation that waits for what is due in one of its wallets keeps those behind it waiting', async () => {
  const [walletId, full] = [await member(50), await member()]
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  // More than a batch of the ledger books at once.
  const lots = Array.from({ length: 700 }, () => ({
    kind: 'charge',
    walletId: full,
    amount: 1,
    class: 'bonus',
    expiresAt,
  }))
  for (let half = 0; half < 2; half += 1) {
    const charged = await house.post('/v1/transfers/batch', { transfers: lots })
    assert.ok(charged.body.results.every(({ status }: Body) => status === 201))
  }
  await house.advance(120)
  const move = await byKey.post(`/v1/wallets/${walletId}/moves`, { toWalletId: full, amount: 50 }, later)
  const [first, second] = await settled(takenOn(move), await spendLater(walletId, 50))
  assert.deepEqual([first.status, second.status], ['succeeded', 'failed'])
})

test('every request that moves points may be taken on: holds, posts, voids, refunds, moves, cancellations, batches', async () => {
  const walletId = await member(1_000)
  const other = await member()
  const spent = await house.spend(walletId, 100)
  const held = await house.hold(walletId, 50)
  const freed = await house.hold(walletId, 60)
  const given = await house.charge(other, 7)
  const ask = async (path: string, body: object, caller = byKey) => takenOn(await caller.post(path, body, later))
  const paths = [
    await ask(`/v1/transfers/${spent.id}/refunds`, { amount: 40 }),
    await ask(`/v1/holds/${held.id}/post`, {}),
    await ask(`/v1/holds/${freed.id}/void`, {}),
    await ask(`/v1/wallets/${walletId}/holds`, { amount: 5 }),
    await ask(`/v1/wallets/${walletId}/moves`, { toWalletId: other, amount: 10 }),
    await ask('/v1/transfers/batch', { transfers: [{ kind: 'spend', walletId, amount: 1 }, { kind: 'none' }] }),
  ]
  const cancelled = takenOn(await house.post(`/v1/transfers/${given.id}/cancellation`, {}, later))
  const done = await settled(...paths)
  assert.deepEqual(
    done.map(({ outcome }) => outcome.status),
    [201, 200, 200, 201, 201, 200],
  )
  assert.deepEqual(
    done[5].outcome.body.results.map(({ status }: Body) => status),
    [201, 400],
  )
  assert.equal((await house.get(cancelled)).body.outcome.status, 201)
  const { balance, held: set } = await house.wallet(walletId)
  assert.deepEqual([balance, set], [1_000 - 100 + 40 - 50 - 10 - 1, 5])
})

test('a batch longer than there is room for calls is carried out whole, and nothing behind it waits for room', async () => {
  const walletId = await member(100)
  const transfers = Array.from({ length: 50 }, () => ({ kind: 'spend', walletId, amount: 1 }))
  const batch = takenOn(await byKey.post('/v1/transfers/batch', { transfers }, { ...later, ...fresh() }))
  const [all, behind] = await settledBy({ laneQueueMax: 5 }, batch, await spendLater(walletId, 50))
  assert.deepEqual(new Set(all.outcome.body.results.map(({ status }: Body) => status)), new Set([201]))
  assert.equal(behind.outcome.body.balanceAfter, 0)
})

test('an operation is shown to whoever asked for it, the operator and administrators, and to nobody else', async () => {
  const walletId = await member(10)
  const path = await spendLater(walletId, 1)
  const stranger = await house.person()
  const other = await house.company()
  const otherKey = house.as(await house.apiKey(other.id, { scopes: ['points', 'read'] }))
  for (const caller of [stranger, otherKey]) assert.equal((await caller.get(path)).status, 404)
  assert.equal((await house.get(path)).status, 200)
  const forged = path.replace(/.{4}$/, (end) => (end === '0000' ? '1111' : '0000'))
  assert.equal((await byKey.get(forged)).status, 404)
  assert.equal((await byKey.get('/v1/operations/opr_none')).status, 404)
  await settled()
  assert.equal((await otherKey.get(path)).status, 404)
})

test('one key, asked for at once and for later, has one effect and one outcome, whichever comes first', async () => {
  const walletId = await member(1_000_000)
  const rounds = process.env.PODO_TEST_LONG === '1' ? 1_000 : 60
  const worker = await house.worker()
  const send = (headers: Record<string, string>) => byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 7 }, headers)
  const round = async (n: number) => {
    const headers = fresh()
    const both = [() => send({ ...later, ...headers }), () => send(headers)]
    const answers = await Promise.all((n % 2 ? both : both.toReversed()).map((ask) => ask()))
    for (const { status, text } of answers) assert.ok(status === 201 || status === 202, text)
    const transfer = await until('it is decided', async () => {
      const answer = await send(headers)
      return answer.status === 201 ? answer.body : null
    })
    return { transfer, operation: answers.find(({ status }) => status === 202)?.headers.location }
  }
  const transfers: Awaited<ReturnType<typeof round>>[] = []
  const left = Array.from({ length: rounds }, (_, n) => n).values()
  const play = async () => {
    for (const n of left) transfers.push(await round(n))
  }
  // As many at once as nobody is refused for want of room.
  await Promise.all(Array.from({ length: 60 }, play))
  const waiting = () => ownerSql.rows('select from platform.operation where completed_at is null')
  await until('nothing waits', async () => (await waiting()).length === 0)
  await worker.close()
  assert.equal(new Set(transfers.map(({ transfer }) => transfer.id)).size, rounds)
  assert.equal((await house.wallet(walletId)).balance, 1_000_000 - 7 * rounds)
  const takenOnToo = transfers.filter(({ operation }) => operation !== undefined)
  assert.notEqual(takenOnToo.length, 0)
  for (const { transfer, operation } of takenOnToo)
    assert.equal((await byKey.get(String(operation))).body.outcome.body.id, transfer.id)
})

test('a company that says so has taken on what there is no room for; of every other it is refused', async () => {
  const walletId = await member(100)
  const tight = await house.secondApi({ laneQueueMax: 1 })
  const ask = () => tight.as(key).post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, fresh())
  const statuses = async () => (await Promise.all(Array.from({ length: 20 }, ask))).map(({ status }) => status)
  const before = await statuses()
  assert.ok(before.includes(503) && !before.includes(202), before.join())
  assert.equal((await tight.as(key).patch(`/v1/companies/${company.id}`, { onOverload: 'queue' })).status, 403)
  const chosen = await tight.patch(`/v1/companies/${company.id}`, { onOverload: 'queue' })
  assert.deepEqual([chosen.status, chosen.body.onOverload], [200, 'queue'], chosen.text)
  const after = await statuses()
  assert.ok(after.includes(202) && !after.includes(503), after.join())
  await settled()
  const done = [...before, ...after].filter((status) => status !== 503).length
  assert.equal((await house.wallet(walletId)).balance, 100 - done)
})

test('while the database is away, whoever is not known is told to come again, and who is that the own operation waits', async () => {
  const walletId = await member(10)
  const path = await spendLater(walletId, 1)
  const person = await house.person()
  await house.charge(person.walletId, 5)
  const atShop = { amount: 1, merchantId: company.id }
  const own = takenOn(await person.post(`/v1/wallets/${person.walletId}/spends`, atShop, later))
  const unknownKey = await house.apiKey(company.id, { scopes: ['points'] })
  await withoutDatabase(async () => {
    assert.equal((await byKey.get(path)).body.status, 'pending')
    assert.equal((await person.get(own)).body.status, 'pending')
    assert.equal((await person.get(path)).status, 503, 'whose it is only the database knows')
    assert.equal((await house.as(unknownKey).get(path)).status, 503)
    for (const headers of [later, {}]) {
      const answer = await byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, headers)
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1'])
      assert.equal(answer.headers['preference-applied'], undefined)
    }
  })
  await settled()
  assert.equal((await byKey.get(path)).body.status, 'succeeded')
  assert.equal((await person.get(own)).body.status, 'succeeded')
})

test('while the database is away, no process lets in whom another has just shut out', async () => {
  const walletId = await member(10)
  const path = await spendLater(walletId, 1)
  const second = await house.secondApi()
  const fresh = await house.secondApi()
  const [kept, revoked] = [await keyOf(), await keyOf()]
  const [stays, leaves] = [await house.person(), await house.person()]
  const atShop = { amount: 1, merchantId: company.id }
  const ownOf = async ({ walletId, post }: typeof stays) =>
    takenOn(await post(`/v1/wallets/${walletId}/spends`, atShop, later))
  const [ownOfStays, ownOfLeaves] = [await ownOf(stays), await ownOf(leaves)]
  const isKnown = async (credential: string, at: string) => (await second.as(credential).get(at)).status === 200
  for (const { secret } of [kept, revoked]) assert.ok(await isKnown(secret, path))
  for (const { accessToken } of [stays, leaves]) assert.ok(await isKnown(accessToken, '/v1/sessions'))
  const shut = await house.delete(`/v1/companies/${company.id}/api-keys/${revoked.id}`)
  assert.equal(shut.status, 204, shut.text)
  assert.equal((await leaves.delete('/v1/sessions/current')).status, 204)
  await withoutDatabase(async () => {
    const statusOf = async (credential: string, at: string) => (await second.as(credential).get(at)).status
    assert.deepEqual([await statusOf(kept.secret, path), await statusOf(revoked.secret, path)], [200, 503])
    assert.equal(await statusOf(stays.accessToken, ownOfStays), 200)
    assert.equal(await statusOf(leaves.accessToken, ownOfLeaves), 503)
    const byWhoHasSeenNobody = fresh.as(stays.accessToken).get(ownOfStays)
    assert.equal((await byWhoHasSeenNobody).status, 200, 'a token is known by its signature')
  })
})

test('what became of operations is told as events, to the company whose key asked', async () => {
  const walletId = await member(10)
  const [done, refused] = [await spendLater(walletId, 10), await spendLater(walletId, 1)]
  await settled()
  const rows = await ownerSql.rows<{ type: string; data: Body }>(
    `select type, data from platform.outbox where type like 'operations.%' order by seq desc limit 2`,
  )
  assert.deepEqual(
    rows.map(({ type, data }) => [type, `/v1/operations/${data.id}`, data.request, data.status]).toReversed(),
    [
      ['operations.succeeded', done, 'spendPoints', 201],
      ['operations.failed', refused, 'spendPoints', 409],
    ],
  )
  assert.equal(rows[1]!.data.body.amount, 10)
  assert.equal(rows[0]!.data.problem, '/problems/ledger/insufficient-points')
})

test('after all this the ledger is as its journal says', async () => {
  const report = await verifyLedger(house.database)
  assert.equal(report.differences, 0)
})

test('what waits is carried out after the secret has changed; its request and its address lead to the same operation', async () => {
  const [first, second] = [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')]
  const changes: [Partial<Config>, Partial<Config>][] = [
    // A key where there was none, and another key.
    [{}, { secretKey: first }],
    [{ secretKey: first }, { secretKey: second, secretKeyFormer: first }],
  ]
  for (const [before, after] of changes) {
    const walletId = await member(1_000)
    const url = `/v1/wallets/${walletId}/spends`
    const [was, is] = [(await house.secondApi(before)).as(key), (await house.secondApi(after)).as(key)]
    const headers = fresh()
    const path = takenOn(await was.post(url, { amount: 300 }, { ...later, ...headers }))
    for (const more of [later, {}]) {
      assert.equal(takenOn(await is.post(url, { amount: 300 }, { ...more, ...headers })), path)
    }
    assert.equal((await is.get(path)).body.status, 'pending')
    const worker = await house.worker(after)
    await until('it is carried out', async () => (await is.get(path)).body.status !== 'pending')
    await worker.close()
    for (const caller of [was, is]) {
      const { body } = await caller.get(path)
      assert.deepEqual([body.id, body.status], [path.split('/').at(-1), 'succeeded'])
    }
    const again = await is.post(url, { amount: 300 }, { ...later, ...headers })
    assert.deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true'])
    assert.equal((await house.wallet(walletId)).balance, 700)
  }
})

test('without the former secret what waits goes on waiting, and is carried out once the secret is given', async () => {
  const [former, present] = [Buffer.alloc(32, 3).toString('base64'), Buffer.alloc(32, 4).toString('base64')]
  const walletId = await member(1_000)
  const was = (await house.secondApi({ secretKey: former })).as(key)
  const headers = fresh()
  const spend = (by: Caller) => by.post(`/v1/wallets/${walletId}/spends`, { amount: 300 }, { ...later, ...headers })
  const path = takenOn(await spend(was))
  const alone = await house.worker({ secretKey: present })
  await spendLater(await member(10), 10)
  await until('what came after it is carried out', async () => {
    const waiting = await ownerSql.rows('select from platform.operation where completed_at is null')
    return waiting.length === 1
  })
  await alone.close()
  const is = (await house.secondApi({ secretKey: present })).as(key)
  assert.equal(takenOn(await spend(is)), path)
  assert.equal((await is.get(path)).body.status, 'pending')
  const worker = await house.worker({ secretKey: present, secretKeyFormer: former })
  await until('it is carried out', async () => (await is.get(path)).body.status === 'succeeded')
  await worker.close()
  assert.equal((await house.wallet(walletId)).balance, 700)
})
