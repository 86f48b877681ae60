import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { openHouse, until } from '#test/harness'
import { openCrowd } from './caller.ts'
import { openProgramme } from './programme.ts'
import { type Service, startService } from './service.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const rounds = isLong ? 20 : 1
const points = 1_000_000_000
const heldMs = 2_000
const patienceMs = 1_500

const house = await openHouse({ after })
const [first, second] = await Promise.all([startService(house), startService(house)])

test('after kill -9 of a process in the midst of spending, the same wallet is spent from at once, by others and by itself', async (t) => {
  const { walletIds } = await openProgramme(second, { wallets: 1, points })
  for (let round = 0; round < rounds; round += 1) {
    const stop = await amidSpends(t, walletIds[0]!, () => first.kill())
    assert.ok((await spendMs(second, walletIds[0]!)) < patienceMs)
    await first.start()
    assert.ok((await spendMs(first, walletIds[0]!)) < patienceMs)
    await stop()
  }
})

test('a process that stops inside a transaction holds its wallets for two seconds, not for ever', async (t) => {
  const { walletIds } = await openProgramme(second, { wallets: 2, points })
  for (let round = 0; round < rounds; round += 1) {
    const stop = await amidSpends(t, walletIds[0]!, () => stopHolding(walletIds[0]!))
    const [others, held] = await Promise.all([spendMs(second, walletIds[1]!), spendMs(second, walletIds[0]!)])
    assert.ok(others < patienceMs, 'another wallet had to wait')
    assert.ok(held > others, 'the wallet was not held')
    assert.ok(held < heldMs + patienceMs, `the wallet was held for ${held} ms`)
    first.signal('SIGCONT')
    await stop()
  }
})

test('what was answered with 201 is done: another process shows it at once', async () => {
  const { walletIds } = await openProgramme(second, { wallets: 1, points })
  const path = `/v1/wallets/${walletIds[0]}`
  for (let turn = 1; turn <= 20; turn += 1) {
    const spent = await first.send({ path: `${path}/spends`, body: { amount: 1 } })
    assert.equal(spent.status, 201, spent.text)
    const [wallet, transfer] = await Promise.all([
      second.send({ method: 'GET', path }),
      second.send({ method: 'GET', path: `/v1/transfers/${spent.body.id}` }),
    ])
    assert.equal(wallet.body.balance, points - turn)
    assert.deepEqual(transfer.body, spent.body)
  }
})

test('a process keeps its connections to the database from one request to the next', async () => {
  const { walletIds } = await openProgramme(second, { wallets: 1, points })
  await spendMs(second, walletIds[0]!)
  const before = await listBackends()
  for (let turn = 0; turn < 20; turn += 1) await spendMs(second, walletIds[0]!)
  const kept = new Set(await listBackends())
  assert.deepEqual(
    before.filter((pid) => !kept.has(pid)),
    [],
  )
})

test('spends of the many into one merchant touch no row of the merchant', async () => {
  const { companyId, walletIds } = await openProgramme(second, { wallets: 20, points })
  const find = () =>
    house.ownerSql.rows('select xmin::text, xmax::text, ctid::text from ledger.account where id = $1', [
      companyId.slice(4),
    ])
  const before = await find()
  assert.equal(before.length, 1)
  await Promise.all(walletIds.map((walletId) => spendMs(second, walletId)))
  assert.deepEqual(await find(), before)
})

/** Does `run` to the first process while 32 callers spend from the wallet there; answers what ends them. */
async function amidSpends(t: TestContext, walletId: string, run: () => Promise<void>): Promise<() => Promise<void>> {
  let answered = 0
  const crowd = openCrowd(t, {
    count: 32,
    turn: async () => {
      const heard = await first.send({ path: `/v1/wallets/${walletId}/spends`, body: { amount: 1 } }).catch(() => null)
      if (heard) answered += 1
    },
  })
  await crowd.until('they were served', () => answered > 100)
  await run()
  return crowd.stop
}

async function spendMs(service: Service, walletId: string): Promise<number> {
  const since = performance.now()
  const { status, text } = await service.send({ path: `/v1/wallets/${walletId}/spends`, body: { amount: 1 } })
  assert.equal(status, 201, text)
  return performance.now() - since
}

/** Stops the first process again and again until it has stopped with the wallet locked. */
async function stopHolding(walletId: string): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    first.signal('SIGSTOP')
    // What it had sent before it stopped is done when its sessions have been idle for a while.
    await until('its sessions were idle', async () => (await listBusy()).length === 0)
    const free = await house.ownerSql.rows('select from ledger.account where id = $1 for update skip locked', [
      walletId.slice(4),
    ])
    if (free.length === 0) return
    first.signal('SIGCONT')
  }
  assert.fail('it never stopped while it held the wallet')
}

function listBusy(): Promise<unknown[]> {
  return house.ownerSql.rows(
    `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
     and (state = 'active' or state_change > clock_timestamp() - interval '20 ms')`,
  )
}

async function listBackends(): Promise<number[]> {
  const rows = await house.ownerSql.rows<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  return rows.map(({ pid }) => pid)
}
