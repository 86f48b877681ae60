import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LedgerHouse, openLedgerHouse, spendOf, transferOf, verdictOf } from '#test/ledger-house'
import { commandOf } from '#test/ledger-operations'
import type { Command } from './commands.ts'
import { amountMax } from './commands.ts'
import type { LedgerOutcome } from './ledger.ts'
import { findRolledBalance } from './statements/statements.ts'
import { systemAccounts } from './system-accounts.ts'
import type { Difference } from './verify/differences.ts'
import { verifyLedger } from './verify/verify.ts'

const isLong = process.env.PODO_TEST_LONG === '1'

test('of twenty spends of the whole balance at once, in two processes, exactly one succeeds, every time', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const [walletId, merchantId] = [await house.wallet(), await house.merchant()]
  for (let round = 1; round <= (isLong ? 1_500 : 50); round += 1) {
    await house.charge(walletId, 1_000 + round)
    const spends = Array.from({ length: 20 }, () => spendOf(walletId, merchantId, 1_000 + round))
    const outcomes = await Promise.all(spends.map((spend, at) => lanes[at % 2]!.submit(spend)))
    assert.deepEqual(countVerdicts(outcomes), { done: 1, 'insufficient-points': 19 })
  }
  await house.assertAgreement()
})

test('a wallet can be spent to exactly zero, and not one point further', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(), await house.merchant()]
  await house.charge(walletId, 30, { class: 'bonus' })
  await house.charge(walletId, 12)
  assert.equal(transferOf(await house.spend(walletId, merchantId, 42)).balanceAfter, 0)
  const refused = await house.spend(walletId, merchantId, 1)
  assert.ok(refused.status === 'refused')
  assert.deepEqual(refused.problem.params, { available: 0, required: 1 })
})

test('a take-back takes what is free of its lot, and no other point, while others spend', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const [walletId, merchantId] = [await house.wallet(500), await house.merchant()]
  const { lots } = await house.charge(walletId, 100, { class: 'bonus' })
  const lotId = lots[0]!.lotId
  await house.charge(walletId, 1_000, { class: 'bonus' })
  const hold = { kind: 'hold', walletId, payeeId: merchantId, amount: 30, expiresInSeconds: 600, lotId } as const
  const held = await house.lane.submit(commandOf(hold))
  const spends = Array.from({ length: 10 }, () => spendOf(walletId, merchantId, 4))
  const takings = Array.from({ length: 20 }, () => commandOf({ kind: 'take-back', lotId, upTo: 9 }))
  const outcomes = await Promise.all([...spends, ...takings].map((each, at) => lanes[at % 2]!.submit(each)))
  const taken = outcomes.slice(10).reduce((sum, it) => sum + (it.status === 'done' ? it.transfer.amount : 0), 0)
  assert.ok(taken >= 30 && taken <= 70, `${taken} were taken of 100, of which 30 are held and 40 may be spent`)
  const [refused] = outcomes.slice(10).filter(({ status }) => status === 'refused')
  assert.ok(refused?.status === 'refused')
  assert.deepEqual(refused.problem.params, { available: 0, required: 9 })
  assert.ok(held.status === 'done')
  transferOf(await house.lane.submit(commandOf({ kind: 'void', holdId: held.hold!.id })))
  const rest = { kind: 'take-back', lotId, upTo: amountMax } as const
  const once = commandOf(rest)
  const [first, again] = [await house.lane.submit(once), await house.lane.submit(once)]
  assert.equal(transferOf(first).amount, 30)
  assert.deepEqual(again, { ...first, replayed: true })
  assert.equal(verdictOf(await house.lane.submit(commandOf(rest))), 'insufficient-points')
  await house.assertAgreement()
})

test('500 charges at once into one wallet, from two processes, lose nothing', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const walletId = await house.wallet()
  const charges = Array.from({ length: 500 }, (_, at) => chargeOf(walletId, at + 1))
  await Promise.all(charges.map(async (charge, at) => transferOf(await lanes[at % 2]!.submit(charge))))
  const last = transferOf(await house.spend(walletId, await house.merchant(), 125_250))
  assert.equal(last.balanceAfter, 0)
  assert.equal(last.seq, 501)
  await house.assertAgreement()
})

test('refunds that race give back what was spent and not one point more', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const spend = transferOf(await house.spend(walletId, merchantId, 100))
  const refunds = Array.from({ length: 40 }, () => commandOf({ kind: 'refund', transferId: spend.id, amount: 7 }))
  const outcomes = await Promise.all(refunds.map((refund, at) => lanes[at % 2]!.submit(refund)))
  assert.deepEqual(countVerdicts(outcomes), { done: 14, 'refund-too-large': 26 })
  const rest = commandOf({ kind: 'refund', transferId: spend.id, amount: null })
  assert.equal(transferOf(await house.lane.submit(rest)).amount, 2)
  const again = commandOf({ kind: 'refund', transferId: spend.id, amount: null })
  assert.equal(verdictOf(await house.lane.submit(again)), 'refund-too-large')
  assert.deepEqual(await findRolledBalance(house.database, merchantId), { bonus: 0n, prize: 0n, paid: 0n })
  await house.assertAgreement()
})

test('a charge is cancelled once, a hold is ended once, however many ask at once', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const [walletId, merchantId] = [await house.wallet(), await house.merchant()]
  const charge = await house.charge(walletId, 50)
  const ask = (commands: Command[]) => Promise.all(commands.map((command, at) => lanes[at % 2]!.submit(command)))
  const cancels = await ask(repeat(20, () => commandOf({ kind: 'cancel', transferId: charge.id })))
  assert.deepEqual(countVerdicts(cancels), { done: 1, 'already-cancelled': 19 })

  await house.charge(walletId, 50)
  const expiresInSeconds = 60
  const hold = commandOf({ kind: 'hold', walletId, payeeId: merchantId, amount: 30, expiresInSeconds, lotId: null })
  const held = await house.lane.submit(hold)
  assert.ok(held.status === 'done' && held.hold)
  const holdId = held.hold.id
  const ends = await ask(
    Array.from({ length: 20 }, (_, at) =>
      at % 4 < 2 ? commandOf({ kind: 'post', holdId, amount: 20 }) : commandOf({ kind: 'void', holdId }),
    ),
  )
  assert.deepEqual(countVerdicts(ends), { done: 1, 'hold-not-pending': 19 })
  await house.assertAgreement()
})

test('two payouts at once of all that a merchant has leave zero, never less', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const merchantId = await house.merchant()
  for (let round = 0; round < 10; round += 1) {
    await house.spend(await house.wallet(100), merchantId, 100)
    const payouts = repeat(4, () => commandOf({ kind: 'payout', from: { merchantId }, amount: 100 }))
    const outcomes = await Promise.all(payouts.map((payout, at) => lanes[at % 2]!.submit(payout)))
    assert.deepEqual(countVerdicts(outcomes), { done: 1, 'insufficient-points': 3 })
  }
  assert.deepEqual(await findRolledBalance(house.database, merchantId), { bonus: 0n, prize: 0n, paid: 0n })
})

test('points past their expiry cannot be spent from that instant, though nothing has swept them', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(5), await house.merchant()]
  const [clock] = await house.ownerSql.rows<{ now: Date }>('select platform.programme_time() as now')
  const expiresAt = new Date(clock!.now.getTime() + 3_600_000)
  await house.charge(walletId, 100, { class: 'bonus', expiresAt })
  assert.equal(transferOf(await house.spend(walletId, merchantId, 10)).balanceAfter, 95)
  await house.advance(3_600)
  const refused = await house.spend(walletId, merchantId, 6)
  assert.ok(refused.status === 'refused')
  assert.deepEqual(refused.problem.params, { available: 5, required: 6 })
  assert.equal(transferOf(await house.spend(walletId, merchantId, 5)).balanceAfter, 0)
  await house.assertAgreement()
})

test('points are conserved: whoever reads while transfers run sees the same total', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const wallets = await house.openMany('wallet', 10)
  for (const walletId of wallets) await house.charge(walletId, 1_000)
  let isRunning = true
  const movers = Array.from({ length: 16 }, async (_, mover) => {
    for (let step = 0; step < (isLong ? 1_000 : 30); step += 1) {
      const from = wallets[(mover * 7 + step) % 10]!
      const to = wallets[(mover * 3 + step * 7 + 1) % 10]!
      if (from === to) continue
      await lanes[mover % 2]!.submit(
        commandOf({ kind: 'move', walletId: from, toWalletId: to, amount: 1 + ((step * 31) % 300) }),
      )
    }
  })
  const reader = (async () => {
    let snapshots = 0
    for (; isRunning; snapshots += 1) await assertTotal(house, 10_000)
    return snapshots
  })()
  await Promise.all(movers)
  isRunning = false
  assert.ok((await reader) > 5)
  await house.assertAgreement()
})

test('1,025 wallets at the bound pass 2^63 together: counted, folded and verified exactly; none takes a point more', async (t) => {
  const house = await openLedgerHouse(t)
  const total = 1_025n * BigInt(amountMax)
  assert.ok(total > 2n ** 63n)
  const wallets = await house.openMany('wallet', 1_025)
  await Promise.all(wallets.map((walletId) => house.charge(walletId, amountMax)))
  const assertPaid = async (accountId: string, paid: bigint) => {
    const balance = { bonus: 0n, prize: 0n, paid }
    assert.deepEqual(await findRolledBalance(house.database, accountId), balance)
    await house.foldAll()
    assert.deepEqual(await findRolledBalance(house.database, accountId), balance)
    const differences: Difference[] = []
    await verifyLedger(house.database, { onDifference: (difference) => differences.push(difference) })
    assert.deepEqual(differences, [])
  }
  await assertPaid(systemAccounts.issuance, -total)
  assert.equal(verdictOf(await house.lane.submit(chargeOf(wallets[0]!, 1))), 'balance-limit')
  const move = commandOf({ kind: 'move', walletId: wallets[0]!, toWalletId: wallets[1]!, amount: 1 })
  assert.equal(verdictOf(await house.lane.submit(move)), 'balance-limit')

  const merchantId = await house.merchant()
  await Promise.all(wallets.map((walletId) => house.spend(walletId, merchantId, amountMax)))
  await assertPaid(merchantId, total)
  await house.assertAgreement()
})

async function assertTotal({ ownerSql }: LedgerHouse, expected: number): Promise<void> {
  const [seen] = await ownerSql.rows<{ accounts: number; lots: number; lowest: number }>(
    `select (select sum(bonus + prize + paid) from ledger.account)::bigint as accounts,
       (select sum(remaining) from ledger.lot)::bigint as lots,
       (select min(bonus + prize + paid) from ledger.account) as lowest`,
  )
  assert.deepEqual({ accounts: seen!.accounts, lots: seen!.lots }, { accounts: expected, lots: expected })
  assert.ok(seen!.lowest >= 0)
}

function chargeOf(walletId: string, amount: number): Command {
  return commandOf({ kind: 'charge', walletId, class: 'paid', amount, expiresAt: null, paymentId: null })
}

function repeat<Item>(length: number, make: () => Item): Item[] {
  return Array.from({ length }, make)
}

function countVerdicts(outcomes: readonly LedgerOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of outcomes) counts[verdictOf(outcome)] = (counts[verdictOf(outcome)] ?? 0) + 1
  return counts
}
