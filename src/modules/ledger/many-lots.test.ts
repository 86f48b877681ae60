import assert from 'node:assert/strict'
import { test } from 'node:test'
import { system } from '#platform/work'
import { type LedgerHouse, openLedgerHouse, spendOf, transferOf, verdictOf } from '#test/ledger-house'
import { commandOf } from '#test/ledger-operations'
import { applyTransfers } from './ledger.ts'

const lotsMade = 2_500

test('a transfer over thousands of lots takes them all in spend order, and gives them all back', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await walletOfLots(house), await house.merchant()]
  const spend = transferOf(await house.spend(walletId, merchantId, lotsMade))
  assert.equal(spend.lots.length, lotsMade)
  const ids = spend.lots.map((lot) => lot.lotId)
  assert.deepEqual(ids, ids.toSorted())
  const refund = transferOf(await house.lane.submit(commandOf({ kind: 'refund', transferId: spend.id, amount: null })))
  assert.deepEqual(
    refund.lots.map((lot) => lot.lotId),
    ids.toReversed(),
  )
  await house.assertAgreement()
})

test('a batch over more legs than it may have leaves its last commands to the next, and none out', async (t) => {
  const house = await openLedgerHouse(t)
  const wallets = await Promise.all([walletOfLots(house), walletOfLots(house), walletOfLots(house)])
  const merchantId = await house.merchant()
  const commands = [...wallets, ...wallets].map((walletId) => spendOf(walletId, merchantId, lotsMade / 2))
  const { settings } = house
  const first = await house.withWork(system, (work) => applyTransfers(work, { commands, settings, wait: true }))
  assert.deepEqual(
    first.map((outcome) => outcome.status),
    ['done', 'done', 'done', 'done', 'again', 'again'],
  )
  const outcomes = await Promise.all(commands.map((command) => house.lane.submit(command)))
  assert.deepEqual(outcomes.map(verdictOf), Array<string>(6).fill('done'))
  assert.equal(transferOf(outcomes[5]!).balanceAfter, 0)
  await house.assertAgreement()
})

test('thousands of lots that expire at once are booked in several transfers before anything moves', async (t) => {
  const house = await openLedgerHouse(t)
  const [clock] = await house.ownerSql.rows<{ now: Date }>('select platform.programme_time() as now')
  const walletId = await walletOfLots(house, new Date(clock!.now.getTime() + 3_600_000))
  await house.charge(walletId, 7)
  await house.advance(3_600)
  const refused = await house.spend(walletId, await house.merchant(), 8)
  assert.ok(refused.status === 'refused')
  assert.deepEqual(refused.problem.params, { available: 7, required: 8 })
  const [expired] = await house.ownerSql.rows<{ transfers: number; points: number }>(
    `select count(*) as transfers, sum(amount)::bigint as points from ledger.transfer where kind = 'expire'`,
  )
  assert.equal(expired!.points, lotsMade)
  assert.ok(expired!.transfers > 1)
  await house.assertAgreement()
})

test('holds and moves that run into the second page of lots keep their order', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await walletOfLots(house), await house.merchant()]
  const expiresInSeconds = 60
  const held = commandOf({ kind: 'hold', walletId, payeeId: merchantId, amount: 100, expiresInSeconds, lotId: null })
  const other = await house.wallet()
  const moved = commandOf({ kind: 'move', walletId, toWalletId: other, amount: 100 })
  const { settings } = house
  const commands = [held, spendOf(walletId, merchantId, 100), moved]
  const outcomes = await house.withWork(system, (work) => applyTransfers(work, { commands, settings, wait: true }))
  const ids = outcomes
    .flatMap((outcome) => (outcome.status === 'done' ? outcome.transfer.lots : []))
    .map((it) => it.lotId)
  assert.equal(ids.length, 300)
  assert.deepEqual(ids, ids.toSorted())
  await house.assertAgreement()
})

/** A wallet of one-point lots, issued in the order of their ids. */
async function walletOfLots(house: LedgerHouse, expiresAt: Date | null = null): Promise<string> {
  const walletId = await house.wallet()
  await Promise.all(Array.from({ length: lotsMade }, () => house.charge(walletId, 1, { class: 'bonus', expiresAt })))
  return walletId
}
