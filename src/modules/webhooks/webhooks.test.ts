import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pointsEvents } from '#modules/points'
import { findAlert } from '#platform/alerts'
import { emit } from '#platform/events/events'
import { fromPublicId, newId } from '#platform/ids'
import { openLog } from '#platform/log'
import { openSealing } from '#platform/sealing'
import { system } from '#platform/work'
import { type Body, openApiHouse, operatorKey } from '#test/api-house'
import { findEventMistake } from '#test/event-check'
import { until } from '#test/harness'
import { openReceiver, type Received } from '#test/webhook-receiver'
import { tellUnsigned } from './endpoints/endpoints.ts'
import { findSendingLag, keepSending } from './index.ts'
import { nightlyWebhookTidying } from './jobs.ts'
import { openPlaces } from './sending/places.ts'
import { isSigned } from './sending/signature.ts'

const lines: string[] = []
const log = openLog({ level: 'warn', write: (line) => void lines.push(line) })
let resolved: Record<string, string[]> = {}
const resolve = async (name: string) => resolved[name] ?? []
const formerKey = Buffer.alloc(32, 7).toString('base64')
const settings = { secretKeyFormer: formerKey }
const house = await openApiHouse({ after }, { withBackground: true, log, resolve, settings })
const receiver = await openReceiver({ after })
let paths = 0

/** A new endpoint of a company: where it is, what it was answered, and what comes there. */
async function openEndpoint(companyId: string, more: { types?: string[]; url?: string } = {}) {
  paths += 1
  const path = `/hooks/${paths}`
  const list = `/v1/companies/${companyId}/webhook-endpoints`
  const made = await house.post(list, { url: `${receiver.url}${path}`, types: ['*'], ...more })
  assert.equal(made.status, 201, made.text)
  const at = `${list}/${made.body.id}`
  return {
    id: made.body.id as string,
    secret: made.body.secret as string,
    path,
    at,
    own: () => receiver.received.filter((each) => each.path === path),
    get: async () => (await house.get(at)).body,
    deliveries: async (query = ''): Promise<Body[]> =>
      (await house.get(`${at}/deliveries?limit=100${query}`)).body.items,
    untilHeard(count: number) {
      return until(
        `${path} hears of ${count}`,
        () => receiver.received.filter((each) => each.path === path).length >= count,
      )
    },
    async untilDone(count = 1) {
      await until('it is noted', async () => (await this.deliveries('&status=delivered')).length >= count)
    },
    async test() {
      const sent = await house.post(`${at}/test`)
      assert.equal(sent.status, 201, sent.text)
      return sent.body
    },
  }
}

async function settled(endpoint: { deliveries(): Promise<Body[]> }, attempts: number): Promise<Body> {
  return until(`attempt ${attempts} is noted`, async () => {
    const [delivery] = await endpoint.deliveries()
    return delivery?.attempts.at(-1)?.number === attempts && delivery
  })
}

function signed({ headers, text }: Received, secret: string): boolean {
  return isSigned({ headers, body: text, nowMs: Date.now() }, secret)
}

test('an event is sent, signed, to the endpoints of its companies that hear of its type, from the side of each', async () => {
  const [home, shop, other] = [await house.company(), await house.company(), await house.company()]
  const { walletId } = await house.member(home.id)
  const [ours, charges, theirs, nobodys] = [
    await openEndpoint(home.id, { types: ['points.*'] }),
    await openEndpoint(home.id, { types: ['points.charged'] }),
    await openEndpoint(shop.id, { types: ['points.spent', 'points.refunded'] }),
    await openEndpoint(other.id),
  ]
  await house.charge(walletId, 1_000)
  const spent = (await house.spend(walletId, 300, { merchantId: shop.id })).body
  await Promise.all([ours.untilHeard(2), charges.untilHeard(1), theirs.untilHeard(1)])
  const { items } = (await house.get(`/v1/wallets/${walletId}/transfers`)).body
  const [charged, spend] = ['points.charged', 'points.spent'].map(
    (type) => ours.own().find(({ event }) => event.type === type)!,
  )
  assert.deepEqual([spend!.event.data, charged!.event.data], items)
  assert.deepEqual(
    charges.own().map(({ event }) => event),
    [charged!.event],
  )
  const atShop = theirs.own()[0]!
  assert.deepEqual(atShop.event, { ...spend!.event, data: { ...items[0], seq: null, balanceAfter: null, lots: [] } })
  assert.equal(atShop.event.data.id, spent.id)
  assert.deepEqual([theirs.own().length, nobodys.own().length], [1, 0])
  for (const [endpoint, each] of [
    [ours, spend!],
    [theirs, atShop],
  ] as const) {
    assert.equal(findEventMistake(each.event), null)
    assert.equal(each.headers['webhook-id'], each.event.id)
    assert.match(each.headers['content-type']!, /^application\/cloudevents\+json/)
    assert.ok(signed(each, endpoint.secret))
    assert.ok(!signed(each, nobodys.secret))
  }
  await ours.untilDone(2)
  const [last] = await ours.deliveries()
  assert.deepEqual(
    [last!.status, last!.type, last!.eventId, last!.nextAttemptAt, last!.attempts.length],
    ['delivered', 'points.spent', spend!.event.id, null, 1],
  )
  const { event, ...rest } = (await house.get(`${ours.at}/deliveries/${last!.id}`)).body
  assert.deepEqual([event, rest], [spend!.event, last])
  const [attempt] = last!.attempts
  assert.deepEqual([attempt.number, attempt.statusCode, attempt.error], [1, 204, null])
})

test('what fails is sent again, later each time, to the byte the same under the same id', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  receiver.answer(endpoint.path, { status: 500 })
  await endpoint.test()
  const first = await settled(endpoint, 1)
  assert.equal(first.status, 'pending')
  const delayMs = Date.parse(first.nextAttemptAt) - Date.parse(first.attempts[0].at)
  assert.ok(delayMs > 4_000 && delayMs < 7_000, String(delayMs))
  assert.ok((await endpoint.get()).failingSince)
  await house.advance(6)
  assert.equal((await settled(endpoint, 2)).attempts[1].statusCode, 500)
  receiver.answer(endpoint.path, { status: 200 })
  await house.advance(331)
  const done = await settled(endpoint, 3)
  assert.deepEqual(
    done.attempts.map(({ number, statusCode, error }: Body) => [number, statusCode, error]),
    [
      [1, 500, null],
      [2, 500, null],
      [3, 200, null],
    ],
  )
  assert.deepEqual([done.status, done.nextAttemptAt, (await endpoint.get()).failingSince], ['delivered', null, null])
  const own = endpoint.own()
  assert.equal(new Set(own.map(({ text }) => text)).size, 1)
  assert.deepEqual(
    own.map(({ headers }) => headers['webhook-id']),
    [done.eventId, done.eventId, done.eventId],
  )
  for (const each of own) assert.ok(signed(each, endpoint.secret))
})

test('what was sent and not noted, since the process died, is sent again under the same id by another', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  const sealing = openSealing(operatorKey)
  const places = openPlaces({ networks: ['127.0.0.1'], mayBeClear: true })
  const { database } = house
  const withWork = () => Promise.reject(new Error('killed'))
  const died: unknown[] = []
  const dying = keepSending({
    database,
    withWork,
    sealing,
    places,
    onAttempt: () => assert.fail('it was noted'),
    onError: (error) => died.push(error),
  })
  // Whichever process claims it first: until the one that dies has sent something.
  await until('the other process died', async () => {
    if (died.length > 0) return true
    await endpoint.test()
    return false
  })
  await dying.close()
  await house.advance(61)
  await until('all is noted', async () => (await endpoint.deliveries('&status=pending')).length === 0)
  const ids = endpoint.own().map(({ headers }) => headers['webhook-id'])
  const different = new Set(ids).size
  assert.equal(different, (await endpoint.deliveries()).length)
  assert.ok(ids.length > different, 'something was sent twice')
})

test('whoever comes back late from an attempt changes nothing of what came of a later one', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  receiver.answer(endpoint.path, null)
  const { id } = await endpoint.test()
  await endpoint.untilHeard(1)
  receiver.answer(endpoint.path, { status: 204 })
  await house.advance(61)
  await endpoint.untilDone()
  const done = (await endpoint.deliveries())[0]!
  assert.equal(done.attempts.length, 1)
  receiver.release(endpoint.path, 404)
  await until('it was noted in vain', async () => /result="4xx"/.test((await house.get('/metrics')).text))
  assert.deepEqual((await endpoint.deliveries())[0], done)
  assert.equal(done.id, id)
  assert.equal((await endpoint.get()).failingSince, null)
})

test('a receiver that dawdles holds up nobody else, and is sent little at once', async () => {
  const { id } = await house.company()
  const [slow, quick] = [await openEndpoint(id), await openEndpoint(id)]
  receiver.answer(slow.path, null)
  for (let count = 0; count < 12; count += 1) await slow.test()
  await until('it dawdles', () => receiver.waiting(slow.path) === 4)
  for (let count = 0; count < 12; count += 1) await quick.test()
  await quick.untilDone(12)
  assert.equal(receiver.waiting(slow.path), 4)
  // It takes what it is sent, only slowly: what waits for it is late.
  await house.advance(30)
  assert.ok((await findSendingLag(house.database)) >= 30)
  receiver.answer(slow.path, { status: 204 })
  receiver.release(slow.path)
  await slow.untilDone(12)
})

test('companies with as many slow receivers as they may have leave room for those of others', async () => {
  const [slow, quick] = [await openEndpoint((await house.company()).id), await openEndpoint((await house.company()).id)]
  receiver.answer(slow.path, null)
  await house.ownerSql.run(
    `with slow as (
       insert into webhooks.endpoint (id, company_id, url, types, sealed_secret, created_at)
       select gen_random_uuid(), company, e.url, e.types, e.sealed_secret, e.created_at
       from webhooks.endpoint e, generate_series(1, 10),
         (select gen_random_uuid() as company from generate_series(1, 4)) c
       where e.id = $1
       returning id, created_at
     )
     insert into webhooks.delivery (id, endpoint_id, event_id, type, body, created_at, due_at)
     select gen_random_uuid(), id, gen_random_uuid(), 'points.spent', '{}', created_at, created_at
     from slow, generate_series(1, 5)`,
    [fromPublicId('whe', slow.id)],
  )
  await until('they dawdle', () => receiver.waiting(slow.path) >= 100)
  await quick.test()
  await until('the other is sent something', () => quick.own().length === 1, { timeoutMs: 5_000 })
  receiver.answer(slow.path, { status: 204 })
  receiver.release(slow.path)
  const left = `select from webhooks.delivery where body = '{}' and status = 'pending'`
  await until('all is sent', async () => (await house.ownerSql.rows(left)).length === 0)
  await house.ownerSql.run(`delete from webhooks.delivery where body = '{}'`)
})

test('an endpoint that fails is sent one thing at once, and one that is off nothing; neither makes us late', async () => {
  const { id } = await house.company()
  const [failing, off, other] = [await openEndpoint(id), await openEndpoint(id), await openEndpoint(id)]
  receiver.answer(failing.path, { status: 500 })
  await failing.test()
  await settled(failing, 1)
  receiver.answer(failing.path, null)
  for (let count = 0; count < 3; count += 1) await failing.test()
  await off.test()
  await off.untilDone()
  assert.equal((await house.patch(off.at, { status: 'disabled' })).status, 200)
  // As if it had been noted in that very moment, and the job that gives up what waits had been before.
  const jobs = `select from graphile_worker.jobs where task_identifier = 'webhooks.end'`
  await until('the job is done', async () => (await house.ownerSql.rows(jobs)).length === 0)
  await house.ownerSql.run(
    `update webhooks.delivery set status = 'pending', due_at = created_at, completed_at = null
     where endpoint_id = (select id from webhooks.endpoint where url = $1)`,
    [`${receiver.url}${off.path}`],
  )
  await other.test()
  await other.untilDone()
  assert.deepEqual([receiver.waiting(failing.path), off.own().length], [1, 1])
  await house.advance(30)
  assert.ok((await findSendingLag(house.database)) < 10)
  receiver.answer(failing.path, { status: 204 })
  receiver.release(failing.path)
  await failing.untilDone(3)
})

test('429 holds back all that goes to the endpoint, for as long as it asks, and nothing else', async () => {
  const { id } = await house.company()
  const [busy, other] = [await openEndpoint(id), await openEndpoint(id)]
  receiver.answer(busy.path, { status: 429, headers: { 'retry-after': '120' } })
  await busy.test()
  const refused = await settled(busy, 1)
  assert.ok(Date.parse(refused.nextAttemptAt) - Date.parse(refused.attempts[0].at) > 119_000)
  receiver.answer(busy.path, { status: 204 })
  await busy.test()
  await other.test()
  await other.untilDone()
  assert.equal(busy.own().length, 1)
  await house.advance(60)
  assert.ok((await findSendingLag(house.database)) < 10)
  await house.advance(61)
  await busy.untilDone(2)
})

test('while a secret is rotated everything is signed with both, and then with the new one', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  const rotated = (await house.post(`${endpoint.at}/secret-rotation`, { overlapSeconds: 600 })).body
  assert.notEqual(rotated.secret, endpoint.secret)
  assert.ok(Date.parse(rotated.formerSecretUntil) > Date.now())
  assert.equal((await endpoint.get()).secret, null)
  const signedBy = async (count: number, secrets: readonly string[]) => {
    await endpoint.test()
    await endpoint.untilHeard(count)
    return secrets.map((secret) => signed(endpoint.own()[count - 1]!, secret))
  }
  assert.deepEqual(await signedBy(1, [endpoint.secret, rotated.secret]), [true, true])
  await house.advance(601)
  assert.deepEqual(await signedBy(2, [endpoint.secret, rotated.secret]), [false, true])
  assert.equal((await endpoint.get()).formerSecretUntil, null)
  const third = (await house.post(`${endpoint.at}/secret-rotation`, { overlapSeconds: 600 })).body.secret
  const fourth = (await house.post(`${endpoint.at}/secret-rotation`)).body.secret
  assert.deepEqual(await signedBy(3, [rotated.secret, third, fourth]), [false, true, true])
})

test('410 switches an endpoint off, with what waits to be sent there; switched on it goes on, and what failed is redriven', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  receiver.answer(endpoint.path, { status: 500 })
  await endpoint.test()
  await settled(endpoint, 1)
  receiver.answer(endpoint.path, { status: 410 })
  await endpoint.test()
  await until('both have failed', async () => (await endpoint.deliveries('&status=failed')).length === 2)
  const { status, disabledReason, disabledAt } = await endpoint.get()
  assert.deepEqual([status, disabledReason], ['disabled', 'gone'])
  assert.ok(disabledAt)
  const [first] = await endpoint.deliveries()
  receiver.answer(endpoint.path, { status: 204 })
  assert.equal((await house.patch(endpoint.at, { status: 'enabled' })).body.status, 'enabled')
  const redrive = async (path: string) => (await house.post(`${endpoint.at}${path}`)).body
  assert.equal((await redrive(`/deliveries/${first!.id}/redrive`)).status, 'pending')
  await endpoint.untilDone(1)
  assert.deepEqual(await redrive('/redrive'), { redriven: 1, hasMore: false })
  await endpoint.untilDone(2)
  assert.deepEqual(await redrive('/redrive'), { redriven: 0, hasMore: false })
  const { items: acts } = (await house.get(`/v1/ops/audit?target=${endpoint.id}`)).body
  assert.deepEqual(
    acts.map(({ action, actor }: Body) => `${action} by ${actor.type}`),
    [
      'redriveWebhookDeliveries by operator',
      'redriveWebhookDeliveries by operator',
      'changeWebhookEndpoint by operator',
      'disableWebhookEndpoint by system',
      'createWebhookEndpoint by operator',
    ],
  )
})

test('409 for sending to an endpoint that is off', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  const { id } = await endpoint.test()
  assert.equal((await house.patch(endpoint.at, { status: 'disabled' })).status, 200)
  for (const path of ['/test', '/redrive', `/deliveries/${id}/redrive`]) {
    const { status, body } = await house.post(`${endpoint.at}${path}`)
    assert.deepEqual([status, body.type], [409, '/problems/webhooks/endpoint-disabled'])
  }
})

test('what failed is redriven by type and time, what was taken one by one, and twice does no harm', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  receiver.answer(endpoint.path, null)
  const { id } = await endpoint.test()
  await endpoint.untilHeard(1)
  const [sending] = await endpoint.deliveries()
  assert.deepEqual((await house.post(`${endpoint.at}/deliveries/${id}/redrive`)).body, sending)
  assert.equal((await house.patch(endpoint.at, { status: 'disabled' })).body.disabledReason, 'asked')
  await until('it is given up', async () => (await endpoint.deliveries('&status=failed')).length === 1)
  receiver.answer(endpoint.path, { status: 204 })
  receiver.release(endpoint.path)
  // The answer that came in the end counts.
  await endpoint.untilDone()
  await house.patch(endpoint.at, { status: 'enabled' })
  const [delivery] = await endpoint.deliveries()
  const one = `${endpoint.at}/deliveries/${delivery!.id}/redrive`
  const twice = await Promise.all([house.post(one), house.post(one)])
  assert.deepEqual(
    twice.map(({ status }) => status),
    [200, 200],
  )
  await settled(endpoint, 2)
  const { eventId } = delivery!
  assert.ok(endpoint.own().every(({ headers }) => headers['webhook-id'] === eventId))
  await house.ownerSql.run(
    `update webhooks.delivery set status = 'failed' where endpoint_id =
       (select endpoint_id from webhooks.delivery where status = 'delivered' order by id desc limit 1)`,
  )
  const redriven = async (body: object) => (await house.post(`${endpoint.at}/redrive`, body)).body.redriven
  assert.equal(await redriven({ types: ['points.spent'] }), 0)
  assert.equal(await redriven({ from: '2099-01-01' }), 0)
  assert.equal(await redriven({ to: '2000-01-01' }), 0)
  assert.equal(await redriven({ types: ['webhooks.tested'], from: '2000-01-01', to: '2099-01-01' }), 1)
  await settled(endpoint, 3)
})

test('400 for what is no address to send to and for a type that nobody tells, each with what there is', async () => {
  const list = `/v1/companies/${(await house.company()).id}/webhook-endpoints`
  resolved = { 'inside.example.com': ['10.0.0.7'], 'outside.example.com': ['93.184.215.14'] }
  const refused = async (body: object) => {
    const { status, body: problem } = await house.post(list, {
      url: 'https://outside.example.com/',
      types: ['*'],
      ...body,
    })
    return [status, ...(problem.errors ?? []).map(({ pointer, detail }: Body) => `${pointer} ${detail}`)].join(' ')
  }
  assert.match(await refused({ url: 'http://outside.example.com/' }), /^400 \/url Must be an https address/)
  assert.match(
    await refused({ url: 'https://169.254.169.254/latest' }),
    /^400 \/url Must be an address on the internet/,
  )
  assert.match(await refused({ url: 'https://inside.example.com/' }), /^400 \/url Must be an address on the internet/)
  assert.match(await refused({ url: 'hooks' }), /^400 \/url Must be an address like/)
  assert.match(await refused({ url: 'https://outside.example.com/\r\nx' }), /^400 \/url Must have letters/)
  assert.match(await refused({ types: [] }), /^400 \/types/)
  const unknown = await refused({ types: ['points.spent', 'points.spend'] })
  assert.match(
    unknown,
    /^400 \/types\/1 Must be one of: \*, operations\.\*, points\.\*, .*points\.adjusted, .*points\.voided/,
  )
  assert.match(await refused({}), /^201/)
  const endpoint = (await house.get(list)).body.items[0]
  const changed = await house.patch(`${list}/${endpoint.id}`, { url: 'https://inside.example.com/' })
  assert.deepEqual([changed.status, changed.body.errors[0].pointer], [400, '/url'])
})

test('412 for a change of a version that is not the newest; 409 for the eleventh endpoint; a secret is shown once', async () => {
  const list = `/v1/companies/${(await house.company()).id}/webhook-endpoints`
  const body = { url: `${receiver.url}/`, types: ['points.*'] }
  const [once, again] = [
    await house.post(list, body, { 'idempotency-key': 'one-endpoint' }),
    await house.post(list, body, { 'idempotency-key': 'one-endpoint' }),
  ]
  assert.deepEqual([again.status, again.body], [201, { ...once.body, secret: null }])
  assert.match(once.body.secret, /^whsec_/)
  const at = `${list}/${once.body.id}`
  const tag = { 'if-match': String((await house.get(at)).headers.etag) }
  const changed = await house.patch(at, { types: ['*'] }, tag)
  assert.deepEqual([changed.status, changed.body.types], [200, ['*']])
  assert.equal((await house.patch(at, { types: ['points.spent'] }, tag)).status, 412)
  assert.deepEqual((await house.get(at)).body.types, ['*'])
  for (let count = 2; count <= 10; count += 1) assert.equal((await house.post(list, body)).status, 201)
  assert.equal((await house.post(list, body)).body.type, '/problems/webhooks/too-many-endpoints')
  assert.equal((await house.delete(at)).status, 204)
  assert.equal((await house.get(at)).status, 404)
  assert.equal((await house.post(list, body)).status, 201)
})

test('nothing is sent where a name has come to point inside: it is a failed attempt, and whoever watches is told', async () => {
  const { id } = await house.company()
  resolved = { 'moves.example.com': ['93.184.215.14'] }
  const endpoint = await openEndpoint(id, { url: 'https://moves.example.com/hooks' })
  resolved = { 'moves.example.com': ['10.0.0.7'] }
  lines.length = 0
  await endpoint.test()
  const failed = await settled(endpoint, 1)
  assert.equal(failed.attempts[0].error, 'The name of the address resolves inside: nothing is sent there')
  assert.ok(lines.some((line) => line.includes('points inside') && line.includes(endpoint.id)))
  assert.match((await house.get('/metrics')).text, /podo_webhook_attempts_total\{result="closed"\} [1-9]/)
  assert.equal((await house.delete(endpoint.at)).status, 204)
})

test('what cannot be signed any more waits, without blame for its receiver, until the secret is rotated', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  const alien = openSealing('another key, of 32 bytes or more.').seal('webhook secrets', endpoint.secret)
  await house.ownerSql.run('update webhooks.endpoint set sealed_secret = $1 where url = $2', [
    alien,
    `${receiver.url}${endpoint.path}`,
  ])
  await endpoint.test()
  const waiting = await settled(endpoint, 1)
  assert.deepEqual([waiting.status, waiting.attempts[0].statusCode], ['pending', null])
  assert.match(waiting.attempts[0].error, /secret cannot be read/)
  assert.equal((await endpoint.get()).failingSince, null)
  const alerts = () =>
    house.ownerSql.rows(`select from platform.alert where ended_at is null and cause = 'webhook secrets'`)
  assert.equal((await alerts()).length, 1)
  const { secret } = (await house.post(`${endpoint.at}/secret-rotation`)).body
  assert.equal((await alerts()).length, 0)
  await house.advance(301)
  await endpoint.untilDone()
  assert.ok(signed(endpoint.own()[0]!, secret))
})

test('what was sealed by a former secret of the service goes on being signed with the same secret, and is sealed anew', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  const sealed = openSealing(formerKey).seal('webhook secrets', endpoint.secret)
  await house.ownerSql.run('update webhooks.endpoint set sealed_secret = $1 where url = $2', [
    sealed,
    `${receiver.url}${endpoint.path}`,
  ])
  await endpoint.test()
  await endpoint.untilDone()
  assert.ok(signed(endpoint.own()[0]!, endpoint.secret))
  await house.withWork(system, (work) => tellUnsigned(work))
  const worker = await house.worker()
  const present = openSealing(operatorKey)
  await until('it is sealed by the present one', async () => {
    const rows = await house.ownerSql.rows<{ sealed: string }>(
      'select sealed_secret as sealed from webhooks.endpoint where id = $1',
      [fromPublicId('whe', endpoint.id)],
    )
    return present.open('webhook secrets', rows[0]!.sealed) === endpoint.secret
  })
  await until('the alert is over', async () => (await findAlert(house.database, 'webhook secrets'))!.endedAt !== null)
  await worker.close()
})

test('an event of nobody is told of in the log, and those behind it are sent', async () => {
  const { id } = await house.company()
  const endpoint = await openEndpoint(id)
  const { walletId } = await house.member(id)
  await house.charge(walletId, 10)
  await endpoint.untilHeard(1)
  const { data } = endpoint.own()[0]!.event
  lines.length = 0
  await house.withWork(system, async (work) => emit(work, { kind: pointsEvents.charged, key: newId(), data }))
  await house.charge(walletId, 20)
  await endpoint.untilHeard(2)
  assert.ok(lines.some((line) => line.includes('An event is of nobody')))
  assert.deepEqual(
    endpoint.own().map(({ event }) => event.data.amount),
    [10, 20],
  )
})

test('what was done with is forgotten after a month, and a deleted endpoint with the last of it', async () => {
  const endpoint = await openEndpoint((await house.company()).id)
  await endpoint.test()
  await endpoint.untilDone()
  assert.equal((await house.delete(endpoint.at)).status, 204)
  const { database } = house
  const tidy = nightlyWebhookTidying({ database, timeZone: 'Asia/Seoul', now: new Date() })
  const run = () => tidy.run({}, { signal: new AbortController().signal, attempt: 1 })
  const left = async () =>
    (await house.ownerSql.rows('select from webhooks.endpoint where url = $1', [`${receiver.url}${endpoint.path}`]))
      .length
  await run()
  assert.equal(await left(), 1)
  await house.advance(30 * 86_400 + 60)
  await run()
  assert.equal(await left(), 0)
})

test('after three days of nothing but failures an endpoint is switched off, and the owners of its company are told', async () => {
  const { id } = await house.company()
  const owner = await house.person()
  await house.put(`/v1/companies/${id}/members/${owner.id}/role`, { role: 'OWNER' })
  await house.ownerSql.run('update identity.login set address_confirmed_at = now() where member_id = $1', [
    `${owner.id.slice(4)}`,
  ])
  const endpoint = await openEndpoint(id)
  receiver.answer(endpoint.path, { status: 503 })
  await endpoint.test()
  for (const [at, seconds] of [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].entries()) {
    const { status, nextAttemptAt } = await settled(endpoint, at + 1)
    assert.deepEqual([status, (await endpoint.get()).status], ['pending', 'enabled'])
    assert.ok(nextAttemptAt)
    await house.advance(Math.ceil(seconds * 1.1))
  }
  const given = await settled(endpoint, 10)
  assert.deepEqual([given.status, given.attempts.length], ['failed', 10])
  const { status, disabledReason } = await endpoint.get()
  assert.deepEqual([status, disabledReason], ['disabled', 'failing'])
  const mail = await until('the owner is told', async () =>
    (await house.mails(owner.email)).find(({ subject }) => /switched off/.test(subject)),
  )
  assert.match(mail.text, new RegExp(`Nothing has succeeded for three days[^]*${receiver.url}${endpoint.path}`))
  const alerts = () => house.ownerSql.rows<{ cause: string }>('select cause from platform.alert where ended_at is null')
  assert.ok((await alerts()).some(({ cause }) => cause.includes(endpoint.id)))
  await house.patch(endpoint.at, { status: 'enabled' })
  assert.ok(!(await alerts()).some(({ cause }) => cause.includes(endpoint.id)))
  assert.equal((await endpoint.get()).failingSince, null)
})
