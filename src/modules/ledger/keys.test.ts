import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idempotencyKey } from '#platform/idempotency'
import type { Actor } from '#platform/work'
import { type LedgerHouse, openLedgerHouse, spendOf, transferOf, verdictOf } from '#test/ledger-house'
import { commandOf } from '#test/ledger-operations'
import type { Command } from './commands.ts'
import type { LedgerLane, LedgerOutcome } from './ledger.ts'

const isLong = process.env.PODO_TEST_LONG === '1'
const keys = isLong ? 1_000 : 80
const sentAtOnce = 20
/** 30,000 replays in the long run. */
const sentAgain = 30

test('an idempotency key has one effect, and one answer, however often and wherever its request arrives at once', async (t) => {
  const house = await openLedgerHouse(t)
  const lanes = [house.lane, house.secondLane().lane]
  const merchant = await house.merchant()
  const wallets = await house.openMany('wallet', 4)
  for (const walletId of wallets) await house.charge(walletId, keys * 1.25)
  const commands = Array.from({ length: keys }, (_, at) => spendOf(wallets[at % 4]!, merchant, 10))
  const requests = shuffled(commands.flatMap((command) => Array<Command>(sentAtOnce).fill(command)))
  const answers = await Promise.all(
    requests.map(async (command, at) => ({ command, outcome: await lanes[at % 2]!.submit(command) })),
  )
  for (const command of commands) {
    const outcomes = answers.filter((answer) => answer.command === command).map((answer) => answer.outcome)
    const first = outcomes.filter((outcome) => outcome.status !== 'booked' && !outcome.replayed)
    assert.equal(outcomes.length, sentAtOnce)
    assert.equal(first.length, 1)
    for (const outcome of outcomes) assert.deepEqual({ ...outcome, replayed: false }, first[0])
  }
  const [booked] = await house.ownerSql.rows<{ spends: number }>(
    `select count(*) as spends from ledger.transfer where kind = 'spend'`,
  )
  // Each wallet covers half of what is asked of it, so that refusals are among the answers.
  assert.equal(booked!.spends, keys / 2)
  assert.equal(answers.filter(({ outcome }) => verdictOf(outcome) === 'insufficient-points').length, (keys / 2) * 20)
  await house.assertAgreement()
})

test('an idempotency key goes on to answer, to refuse another request and to be free for other callers after a restart', async (t) => {
  const house = await openLedgerHouse(t)
  const merchantId = await house.merchant()
  const wallets = await house.openMany('wallet', 4)
  for (const walletId of wallets) await house.charge(walletId, keys * 1.25)
  const requests = Array.from({ length: keys }, (_, at) => {
    return { caller: operator, key: String(at), amount: 10, walletId: wallets[at % 4]!, merchantId }
  })
  const firsts = await submitAll(house.lane, requests.map(asked))
  await house.lane.close()

  const { lane } = house.secondLane()
  // What was refused could be paid now.
  const more = wallets.map((walletId) => chargeOf(walletId, keys * 10))
  await submitAll(lane, more)
  const elsewhere = requests.map((request) => asked({ ...request, caller: companyOf(merchantId) }))
  const others = await submitAll(lane, elsewhere)
  const expected = firsts.map((first) => JSON.stringify({ ...first, replayed: true }))
  for (let time = 0; time < sentAgain; time += 1) {
    const again = await submitAll(lane, requests.map(asked))
    assert.deepEqual(
      again.map((outcome) => JSON.stringify(outcome)),
      expected,
    )
  }
  const changed = await submitAll(
    lane,
    requests.map((request) => asked({ ...request, amount: 11 })),
  )

  const count = (outcomes: LedgerOutcome[], verdict: string) =>
    outcomes.filter((outcome) => verdictOf(outcome) === verdict).length
  assert.deepEqual(
    [count(firsts, 'done'), count(firsts, 'insufficient-points'), count(changed, 'key-reused'), count(others, 'done')],
    [keys / 2, keys / 2, keys, keys],
  )
  const made = [...firsts, ...others].flatMap((outcome) => (outcome.status === 'done' ? [outcome.transfer.id] : []))
  const booked = await house.ownerSql.rows<{ id: string }>(`select id from ledger.transfer where kind = 'spend'`)
  assert.deepEqual(booked.map((row) => row.id).sort(), made.sort())
  await house.assertAgreement()
})

test('an idempotency key refuses another request with 422, and goes on answering the first', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const first = asked({ caller: operator, key: 'a', amount: 30, walletId, merchantId })
  const changed = asked({ caller: operator, key: 'a', amount: 31, walletId, merchantId })
  const done = await house.lane.submit(first)
  assert.equal(verdictOf(await house.lane.submit(changed)), 'key-reused')
  assert.deepEqual(await house.lane.submit(first), { ...done, replayed: true })
  assert.equal(await balanceOf(house, walletId), 70)
})

test('an idempotency key belongs to its caller: the same text from another is another key', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const callers: Actor[] = [operator, companyOf(merchantId), { type: 'member', id: walletId }]
  const outcomes = await Promise.all(
    callers.map((caller) => house.lane.submit(asked({ caller, key: 'a', amount: 30, walletId, merchantId }))),
  )
  assert.equal(new Set(outcomes.map((outcome) => transferOf(outcome).id)).size, 3)
  assert.equal(await balanceOf(house, walletId), 10)
})

test('an idempotency key keeps a refusal with 409 for ever, even when the points have come meanwhile', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(10), await house.merchant()]
  const command = spendOf(walletId, merchantId, 50)
  const refused = await house.lane.submit(command)
  await house.charge(walletId, 100)
  assert.deepEqual(await house.lane.submit(command), { ...refused, replayed: true })
  assert.equal(verdictOf(refused), 'insufficient-points')
})

test('an idempotency key keeps nothing of what was wrong with the request itself', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(10), '01900000-0000-7000-8000-00000000dead']
  const command = asked({ caller: operator, key: 'a', amount: 5, walletId, merchantId })
  assert.equal(verdictOf(await house.lane.submit(command)), 'merchant-unknown')
  const mended = { ...command, merchantId: await house.merchant() }
  assert.equal(transferOf(await house.lane.submit(mended)).amount, 5)
})

test('an idempotency key is replayed to the byte after the lots, the wallet and the settings have changed', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(50), await house.merchant()]
  const metadata = { order: 'A-1', note: '포도 🍇' }
  const command = commandOf({ kind: 'spend', walletId, merchantId, amount: 50 }, { reason: 'tea', metadata })
  const first = await house.lane.submit(command)
  await house.charge(walletId, 7, { class: 'bonus' })
  await house.lane.submit(commandOf({ kind: 'refund', transferId: transferOf(first).id, amount: 20 }))
  await house.advance(400 * 86_400)
  assert.equal(
    JSON.stringify(await house.secondLane().lane.submit(command)),
    JSON.stringify({ ...first, replayed: true }),
  )
})

const operator: Actor = { type: 'operator', id: null }
const companyOf = (id: string): Actor => ({ type: 'company', id })

interface Asked {
  readonly caller: Actor
  readonly key: string
  readonly amount: number
  readonly walletId: string
  readonly merchantId: string
}

function asked({ caller, key, ...body }: Asked): Command {
  const request = { key, method: 'POST', path: `/v1/wallets/${body.walletId}/spends`, body: { amount: body.amount } }
  return commandOf({ kind: 'spend', ...body }, { actor: caller, key: idempotencyKey(caller, request) })
}

function chargeOf(walletId: string, amount: number): Command {
  return commandOf({ kind: 'charge', walletId, class: 'paid', amount, expiresAt: null, paymentId: null })
}

function submitAll(lane: LedgerLane, commands: readonly Command[]): Promise<LedgerOutcome[]> {
  return Promise.all(commands.map((command) => lane.submit(command)))
}

async function balanceOf(house: LedgerHouse, walletId: string): Promise<number> {
  const [row] = await house.ownerSql.rows<{ balance: number }>(
    'select bonus + prize + paid as balance from ledger.account where id = $1',
    [walletId],
  )
  return row!.balance
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}
