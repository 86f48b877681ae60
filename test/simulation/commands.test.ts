import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Admin, Producer } from '@platformatic/kafka'
import { openDatabase, type Sql } from '#platform/database'
import { commandTopicOf } from '#platform/kafka/command-topic'
import type { Answer, Body } from '#test/api-house'
import { withoutKafka } from '#test/engines/installed'
import { openKafka } from '#test/engines/kafka'
import { until } from '#test/harness'
import { openPointsHouse } from '#test/points-house'

const skip = withoutKafka()
const kafka = skip ? null : await openKafka({ after })
let houses = 0

/** A house whose requests are taken on through Kafka. */
async function openHouseWithKafka(scope: Parameters<typeof openPointsHouse>[0]) {
  houses += 1
  const prefix = `commands${houses}.`
  const settings = {
    kafkaBrokers: kafka!.addresses.join(),
    kafkaTopicPrefix: prefix,
    kafkaPartitions: 1,
    kafkaCommands: 'at-risk' as const,
  }
  const house = await openPointsHouse(scope, { settings })
  const company = await house.company()
  const key = await house.apiKey(company.id, { scopes: ['points', 'read'] })
  return { house, company, byKey: house.as(key), topic: commandTopicOf({ prefix }) }
}

const later = { prefer: 'respond-async' }

test('while PostgreSQL is away requests are taken on through Kafka, and applied once and in order when it is back', {
  skip,
}, async (t) => {
  const { house, company, byKey } = await openHouseWithKafka(t)
  const worker = await house.worker()
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 1_000)
  const ask = (amount: number, key: string, headers = {}) =>
    byKey.post(`/v1/wallets/${walletId}/spends`, { amount }, { 'idempotency-key': key, ...headers })
  assert.equal((await ask(1, 'before')).status, 201)

  const taken: Answer[] = []
  await withoutDatabase(house.ownerSql, async () => {
    assert.equal((await ask(2, 'refused')).status, 503, 'what is not asked for asynchronously is refused')
    for (let n = 0; n < 30; n += 1) taken.push(await ask(10, `away-${n}`, later))
    // The same again, as a caller does who heard nothing.
    taken.push(await ask(10, 'away-0', later))
    const { body } = await byKey.get(String(taken[0]!.headers.location))
    assert.equal(body.status, 'pending')
  })
  for (const { status, text } of taken) assert.equal(status, 202, text)
  assert.equal(new Set(taken.map(({ body }) => body.id)).size, 30)
  const done = await until('all are carried out', async () => {
    const all = await Promise.all(taken.map(({ headers }) => byKey.get(String(headers.location))))
    return all.every(({ body }) => body.status === 'succeeded') ? all.map(({ body }) => body) : null
  })
  const seqs = done.slice(0, 30).map(({ outcome }: Body) => outcome.body.seq)
  assert.deepEqual(
    seqs,
    seqs.toSorted((a: number, b: number) => a - b),
  )
  assert.equal((await house.wallet(walletId)).balance, 1_000 - 1 - 300)
  const again = await ask(10, 'away-7')
  assert.deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true'])
  await worker.close()
})

test('while Kafka hangs nobody waits for it longer than it is given, however many come, and all is done once', {
  skip,
}, async (t) => {
  const { house, company, byKey } = await openHouseWithKafka(t)
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 100)
  const askAll = () =>
    Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, { 'idempotency-key': `hung-${n}`, ...later }),
      ),
    )
  const broker = kafka!.brokers[0]!
  broker.signal('SIGSTOP')
  t.after(() => broker.signal('SIGCONT'))
  const startedAt = performance.now()
  const answers = await askAll()
  assert.ok(performance.now() - startedAt < 8_000, 'once three seconds, and what a loaded machine adds')
  assert.ok(answers.some(({ status }) => status === 503))
  broker.signal('SIGCONT')
  const worker = await house.worker()
  await until('all are done', async () => (await askAll()).every(({ status }) => status === 201))
  assert.equal((await house.wallet(walletId)).balance, 70)
  await worker.close()
})

test('a company that says so is not even refused what it asks for synchronously', { skip }, async (t) => {
  const { house, company, byKey } = await openHouseWithKafka(t)
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 100)
  await house.patch(`/v1/companies/${company.id}`, { onOverload: 'queue' })
  const ask = () => byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 7 }, { 'idempotency-key': 'queued' })
  assert.equal((await byKey.get(`/v1/wallets/${walletId}`)).status, 200)
  const taken = await withoutDatabase(house.ownerSql, ask)
  assert.equal(taken.status, 202, taken.text)
  const worker = await house.worker()
  await until('it is carried out', async () => (await ask()).status === 201)
  assert.equal((await house.wallet(walletId)).balance, 93)
  await worker.close()
})

test('who was let in by memory and may not come in any more has their requests refused, for good', {
  skip,
}, async (t) => {
  const { house, company, byKey } = await openHouseWithKafka(t)
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 100)
  assert.equal((await byKey.get(`/v1/wallets/${walletId}`)).status, 200)
  const ask = () => byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 7 }, { 'idempotency-key': 'gone', ...later })
  const taken = await withoutDatabase(house.ownerSql, async () => {
    await until('what the database said of the key is no longer taken for its word', async () => {
      // Asked for a wallet, the service asks who asks first: known by the last answer for 50 ms.
      const { text } = await byKey.get('/v1/me/wallet')
      return text.includes('/problems/http/unavailable')
    })
    return ask()
  })
  assert.equal(taken.status, 202, taken.text)
  const { items } = (await house.get(`/v1/companies/${company.id}/api-keys`)).body
  assert.equal((await house.delete(`/v1/companies/${company.id}/api-keys/${items[0].id}`)).status, 204)
  const worker = await house.worker()
  const operation = await until('it is decided', async () => {
    const { body } = await house.get(String(taken.headers.location))
    return body.outcome ? body : null
  })
  assert.deepEqual([operation.status, operation.outcome.status], ['failed', 401])
  assert.equal((await house.wallet(walletId)).balance, 100)
  await worker.close()
})

test('a batch as long as any may be is taken on and carried out', { skip }, async (t) => {
  const { house, company, byKey } = await openHouseWithKafka(t)
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 1_000)
  const metadata = { note: 'x'.repeat(1_900) }
  const transfers = Array.from({ length: 1_000 }, () => ({ kind: 'spend', walletId, amount: 1, metadata }))
  const taken = await byKey.post('/v1/transfers/batch', { transfers }, later)
  assert.equal(taken.status, 202, taken.text)
  const worker = await house.worker()
  await until('it is carried out', async () => {
    const { body } = await byKey.get(String(taken.headers.location))
    return body.status === 'succeeded'
  })
  assert.equal((await house.wallet(walletId)).balance, 0)
  await worker.close()
})

test('what nobody sealed with our secret moves nothing, and goes to the dead letters of the topic', {
  skip,
}, async (t) => {
  const { house, company, byKey, topic } = await openHouseWithKafka(t)
  const { walletId } = await house.member(company.id)
  await house.charge(walletId, 100)
  const producer = new Producer({ clientId: 'forger', bootstrapBrokers: [...kafka!.addresses] })
  const forged = JSON.stringify([1, 'spendPoints', walletId])
  await producer.send({ messages: [{ topic, value: Buffer.from(forged) as never }] })
  await producer.close()
  const worker = await house.worker()
  const taken = await byKey.post(`/v1/wallets/${walletId}/spends`, { amount: 1 }, later)
  assert.equal(taken.status, 202, taken.text)
  await until('what came behind it is carried out', async () => {
    const { body } = await byKey.get(String(taken.headers.location))
    return body.status === 'succeeded'
  })
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [...kafka!.addresses] })
  t.after(() => admin.close())
  const [dead] = await admin.listOffsets({
    topics: [{ name: `${topic}.DLT`, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
  })
  assert.equal(dead!.partitions[0]!.offset, 1n)
  assert.equal((await house.wallet(walletId)).balance, 99)
  await worker.close()
})

test('Podo does not start on a Kafka that may lose what it acknowledged, unless it is told so', { skip }, async (t) => {
  const { house } = await openHouseWithKafka(t)
  await assert.rejects(house.secondApi({ kafkaCommands: 'safe' }), /replicas=1/)
  const off = await house.secondApi({ kafkaCommands: 'off' })
  assert.equal((await off.get('/health/live')).status, 200)
})

/** Runs while nobody but administrators gets at the database. */
async function withoutDatabase<T>(ownerSql: Sql, run: () => Promise<T>): Promise<T> {
  const [{ name }] = (await ownerSql.rows('select current_database() as name')) as [{ name: string }]
  const admin = openDatabase({ url: process.env.PODO_TEST_ADMIN_URL!, poolSize: 1 })
  await admin.sql.run(`alter database ${name} connection limit 0`)
  await admin.sql.rows('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
  try {
    return await run()
  } finally {
    await admin.sql.run(`alter database ${name} connection limit -1`)
    await admin.close()
  }
}
