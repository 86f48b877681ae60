import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openHouse } from '#test/harness'
import { openCrowd, type Settled, settle } from './caller.ts'
import { type Fate, openCuttingProxy } from './cutting-proxy.ts'
import { openProgramme } from './programme.ts'
import { type Heard, startService } from './service.ts'
import { assertSound } from './soundness.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const cuts = isLong ? 201 : 12
const callers = 8
const crowded = 128
const fates: readonly Fate[] = ['undelivered', 'sent', 'unheard']
const outageMs = isLong ? 30_000 : 300

const house = await openHouse({ after })
const proxy = await openCuttingProxy(house.serviceUrl)
house.onClose(() => proxy.close())
const service = await startService(house, { databaseUrl: proxy.url })

test('a caller whose COMMIT nobody heard of hears 503, asks again with the same key, and it is done once', async (t) => {
  const { walletIds } = await openProgramme(service, { wallets: 4, points: 1_000_000 })
  const [{ before }] = (await house.ownerSql.rows<{ before: number }>(countTransfers)) as [{ before: number }]

  const settled: Settled[] = []
  const refused: Record<Fate, number> = { undelivered: 0, sent: 0, unheard: 0 }
  const replayed: Record<Fate, number> = { undelivered: 0, sent: 0, unheard: 0 }
  const answered = new Array<number>(callers).fill(0)
  let fate: Fate = 'undelivered'
  const crowd = openCrowd(t, {
    count: callers,
    turn: async (caller, turn) => {
      const walletId = walletIds[(caller + turn) % walletIds.length]
      const [path, body] =
        turn % 2 === 0
          ? [`/v1/wallets/${walletId}/spends`, { amount: 3 }]
          : [`/v1/wallets/${walletId}/charges`, { amount: 2, class: 'bonus' }]
      let met = fate
      const onHeard = (heard: Heard | null) => {
        assert.ok(heard, 'a connection to the service broke, though only those to the database were cut')
        if (heard.status !== 503) return
        met = fate
        refused[met] += 1
      }
      const answer = await settle(service, { path, body, key: `cut-${caller}-${turn}` }, { onHeard })
      settled.push(answer)
      answered[caller]! += 1
      if (answer.headers['idempotent-replayed']) replayed[met] += 1
    },
  })
  for (let cut = 0; cut < cuts; cut += 1) {
    fate = fates[cut % fates.length]!
    const refusedBefore = refused[fate]
    let isCut = false
    void proxy.cutNextCommit('ledger.transfer', fate).then(() => {
      isCut = true
    })
    await crowd.until('a commit was cut', () => isCut)
    await crowd.until('its callers heard 503', () => refused[fate] > refusedBefore)
    // Each of them, not so many in all: who is slow would hear of this cut when the next one is due.
    const answeredBefore = [...answered]
    await crowd.until('everybody was answered again', () =>
      answered.every((times, caller) => times >= answeredBefore[caller]! + 2),
    )
  }
  await crowd.stop()

  for (const each of fates) assert.ok(refused[each] >= cuts / fates.length, `${each}: ${refused[each]} heard 503`)
  assert.equal(replayed.undelivered, 0)
  assert.ok(replayed.unheard >= cuts / fates.length, `${replayed.unheard} were told again what had been done`)
  const transfers = await house.ownerSql.rows<{ id: string }>(`select id from ledger.transfer`)
  assert.equal(transfers.length - before, settled.length)
  const ids = new Set(settled.map(({ body }) => body.id.replace('trf_', '')))
  assert.equal(ids.size, settled.length)
  const kept = new Set(transfers.map(({ id }) => id.replaceAll('-', '')))
  assert.deepEqual(
    [...ids].filter((id) => !kept.has(id)),
    [],
  )
  await assertSound(house)
})

test('a database that is away is asked 1.1 times at most for each who asks, and all are served within a minute of its being back', async (t) => {
  const { walletIds } = await openProgramme(service, { wallets: 8, points: 1_000_000 })
  const [{ before }] = (await house.ownerSql.rows<{ before: number }>(countTransfers)) as [{ before: number }]
  const served = new Array<number>(crowded).fill(0)
  let asked = 0
  // More than are served at once, and each asks again and again until it is.
  const crowd = openCrowd(t, {
    count: crowded,
    turn: async (caller, turn) => {
      const path = `/v1/wallets/${walletIds[caller % walletIds.length]}/spends`
      const onHeard = () => {
        asked += 1
      }
      const answer = await settle(service, { path, body: { amount: 1 }, key: `away-${caller}-${turn}` }, { onHeard })
      assert.equal(answer.status, 201, answer.text)
      served[caller]! += 1
    },
  })
  const allServed = () => {
    const enough = served.map((times) => times + 1)
    return crowd.until('everybody was served', () => served.every((times, caller) => times >= enough[caller]!))
  }
  await allServed()
  const since = { asked, connections: proxy.connections() }
  proxy.refuse(true)
  const endsAt = performance.now() + outageMs
  await crowd.until('it was away for long', () => performance.now() > endsAt && asked - since.asked > 5 * crowded)
  const [requests, attempts] = [asked - since.asked, proxy.connections() - since.connections]
  proxy.refuse(false)
  const backAt = performance.now()
  await allServed()
  const servedMs = performance.now() - backAt
  await crowd.stop()
  t.diagnostic(`${requests} requests, ${attempts} attempts; all were served after ${Math.round(servedMs)} ms`)
  assert.ok(attempts > 0 && attempts <= 1.1 * requests, `${attempts} attempts for ${requests} requests`)
  assert.ok(servedMs < 60_000)
  const transfers = await house.ownerSql.rows('select from ledger.transfer')
  const sum = served.reduce((total, times) => total + times)
  assert.equal(transfers.length - before, sum)
  await assertSound(house)
})

const countTransfers = 'select count(*) as before from ledger.transfer'
