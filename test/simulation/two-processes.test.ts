import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHouse } from '#test/harness'
import { openCrowd, settle } from './caller.ts'
import { openProgramme } from './programme.ts'
import { type Service, startService } from './service.ts'
import { assertSound } from './soundness.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const seconds = isLong ? 10 : 2
const callers = isLong ? 32 : 16
const points = 1_000_000_000
const coldPatienceMs = 250

test('two processes spend from one hot wallet exactly, both get their share, and cold wallets stay quick', async (t) => {
  const house = await openHouse(t)
  const [first, second] = await Promise.all([startService(house), startService(house)])
  const { walletIds } = await openProgramme(first, { wallets: 41, points })
  const [hot, ...cold] = walletIds as [string, ...string[]]
  const sides = [first, second].map((service) => ({ service, spent: 0, coldMs: [] as number[] }))

  const crowds = sides.flatMap((side, at) => [
    openCrowd(t, {
      count: callers,
      turn: async (caller, turn) => {
        await spend(side.service, hot, `hot-${at}-${caller}-${turn}`)
        side.spent += 1
      },
    }),
    openCrowd(t, {
      count: 1,
      turn: async (_, turn) => {
        const since = performance.now()
        await spend(side.service, cold[turn % cold.length]!, `cold-${at}-${turn}`)
        side.coldMs.push(performance.now() - since)
      },
    }),
  ])
  const endAt = performance.now() + seconds * 1_000
  for (const crowd of crowds) await crowd.until('the time was over', () => performance.now() > endAt)
  for (const crowd of crowds) await crowd.stop()

  const [ofFirst, ofSecond] = sides.map(({ spent }) => spent) as [number, number]
  for (const { service } of sides) {
    const { body } = await service.send({ method: 'GET', path: `/v1/wallets/${hot}` })
    assert.equal(body.balance, points - ofFirst - ofSecond)
  }
  await assertSound(house)
  const p99s = sides.map(({ coldMs }) => Math.round(p99(coldMs)))
  t.diagnostic(`${ofFirst} and ${ofSecond} spends in ${seconds} s; cold wallets' p99 ${p99s.join(' and ')} ms`)
  const share = Math.min(ofFirst, ofSecond) / (ofFirst + ofSecond)
  // In seconds as few as those of the short run, others on the machine decide how quick anything is.
  if (!isLong) return assert.ok(share > 0, 'one of them got nothing')
  assert.ok(share >= 1 / 3, `the slower did ${(share * 100).toFixed(1)} % of the spends`)
  for (const ms of p99s) assert.ok(ms < coldPatienceMs, `cold wallets answered with a p99 of ${ms} ms`)
})

async function spend(service: Service, walletId: string, key: string): Promise<void> {
  const answer = await settle(service, { path: `/v1/wallets/${walletId}/spends`, body: { amount: 1 }, key })
  assert.equal(answer.status, 201, answer.text)
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)]!
}
