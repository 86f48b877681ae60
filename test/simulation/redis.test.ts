import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { withoutRedis } from '#test/engines/installed'
import { openRedisServer, type TestRedis } from '#test/engines/redis'
import { openHouse, until } from '#test/harness'
import { openCrowd } from './caller.ts'
import { openProgramme } from './programme.ts'
import { type Service, startService } from './service.ts'
import { assertSound } from './soundness.ts'

const skip = withoutRedis()
const isLong = process.env.PODO_TEST_LONG === '1'
const rounds = isLong ? 5 : 1
const spendsEach = isLong ? 1_000 : 150
const points = 1_000_000_000
const failuresMax = 10

/** What becomes of Redis, and how it comes back. */
const fates: Readonly<Record<string, { begin(redis: TestRedis): unknown; end(redis: TestRedis): unknown }>> = {
  killed: { begin: ({ kill }) => kill(), end: ({ start }) => start() },
  hung: { begin: ({ signal }) => signal('SIGSTOP'), end: ({ signal }) => signal('SIGCONT') },
  emptied: { begin: ({ client }) => client.flushall(), end: () => {} },
}

test('Redis is killed, hangs and is emptied under load: no spend fails or waits for it, and limits are shared again', {
  skip,
}, async (t) => {
  const house = await openHouse(t)
  const redis = await openRedisServer(t)
  const settings = { REDIS_URL: redis.url, PODO_RATE_LIMIT_FAILURES: String(failuresMax) }
  const services = await Promise.all([startService(house, { settings }), startService(house, { settings })])
  const load = await openLoad(t, services)
  await load.untilMore()
  for (let round = 0; round < rounds; round += 1)
    for (const [fate, { begin, end }] of Object.entries(fates)) {
      await begin(redis)
      if (fate !== 'emptied') await untilSaid(services, { isThere: false })
      load.call(fate)
      await load.untilMore()
      await end(redis)
      await untilSaid(services, { isThere: true })
      load.call('well')
      await load.untilMore()
    }
  const tookMs = await load.stop()
  await assertSound(house)
  const well = tookMs.get('well')!
  for (const [fate, all] of tookMs) {
    t.diagnostic(`${fate}: ${all.length} spends, median ${at(all, 0.5)} ms, p99 ${at(all, 0.99)} ms`)
    assert.ok(at(all, 0.5) <= at(well, 0.5) + 50, `${fate}: a median of ${at(all, 0.5)} ms`)
    // In a run as short as the other, the rest of the machine decides how long the slowest took.
    if (isLong) assert.ok(at(all, 0.99) <= 2 * at(well, 0.99) + 50, `${fate}: a p99 of ${at(all, 0.99)} ms`)
  }
  const failures = await failUntilRefused(services)
  redis.signal('SIGSTOP')
  await services[0].kill()
  await services[0].start()
  assert.equal(await load.spendOnce(services[0]), 201, 'a process starts and spends while Redis hangs')
  redis.signal('SIGCONT')
  assert.ok(failures >= failuresMax && failures < 1.6 * failuresMax, `${failures} failed before both refused`)
})

/** A company spends from its wallets in both processes, with its key; each answer has to be that it is done. */
async function openLoad(t: TestContext, services: readonly Service[]) {
  const { companyId, walletIds } = await openProgramme(services[0]!, { wallets: 10, points })
  const made = await services[0]!.send({
    path: `/v1/companies/${companyId}/api-keys`,
    body: { name: 'of the load', scopes: ['read', 'points'] },
  })
  assert.equal(made.status, 201, made.text)
  const credential: string = made.body.secret
  const spent = walletIds.map(() => 0)
  const tookMs = new Map<string, number[]>()
  let phase = 'well'
  let count = 0
  const crowd = openCrowd(t, {
    count: 8,
    async turn(caller, turn) {
      const wallet = (caller + turn) % walletIds.length
      const since = performance.now()
      const path = `/v1/wallets/${walletIds[wallet]}/spends`
      const heard = await services[caller % 2]!.send({
        path,
        body: { amount: 1 },
        key: `spend-${caller}-${turn}`,
        credential,
      })
      assert.equal(heard.status, 201, heard.text)
      spent[wallet]! += 1
      tookMs.getOrInsertComputed(phase, () => []).push(performance.now() - since)
      count += 1
    },
  })
  return {
    async spendOnce(service: Service) {
      const path = `/v1/wallets/${walletIds[0]}/spends`
      return (await service.send({ path, body: { amount: 1 }, key: 'once', credential })).status
    },
    /** What spends count as from now on. */
    call(name: string) {
      phase = name
    },
    async untilMore() {
      const goal = count + spendsEach
      await crowd.until('so many more were spent', () => count >= goal)
    },
    async stop() {
      await crowd.stop()
      for (const [wallet, id] of walletIds.entries()) {
        const { body } = await services[1]!.send({ method: 'GET', path: `/v1/wallets/${id}` })
        assert.equal(body.balance, points - spent[wallet]!)
      }
      for (const all of tookMs.values()) all.sort((a, b) => a - b)
      return tookMs
    },
  }
}

/** Every process says whether Redis is there, and is ready in any case. */
async function untilSaid(services: readonly Service[], { isThere }: { isThere: boolean }): Promise<void> {
  for (const service of services) {
    await until(`a process said that Redis is ${isThere ? 'there' : 'away'}`, async () => {
      const { status, body } = await service.send({ method: 'GET', path: '/health/ready' })
      assert.equal(status, 200)
      return (body.warnings.redis === undefined) === isThere
    })
  }
}

/** Signs in with a wrong password in both processes by turns, until both refuse to look; answers how often they did. */
async function failUntilRefused(services: readonly Service[]): Promise<number> {
  const body = { email: 'nobody@example.com', password: '틀린 비밀번호 다섯 글자' }
  let failures = 0
  await until('both refused', async () => {
    const statuses: number[] = []
    for (const service of services) {
      const { status } = await service.send({ path: '/v1/sessions', body, credential: null })
      statuses.push(status)
      if (status === 401) failures += 1
    }
    return statuses.every((status) => status === 429)
  })
  return failures
}

function at(sorted: readonly number[], part: number): number {
  return Math.round(sorted[Math.floor(part * (sorted.length - 1))]!)
}
