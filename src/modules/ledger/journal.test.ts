import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '#platform/ids'
import { type LedgerHouse, openLedgerHouse, spendOf, transferOf } from '#test/ledger-house'
import { commandOf } from '#test/ledger-operations'
import { systemAccounts } from './system-accounts.ts'

test('the database itself refuses a transfer that does not balance in every class', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const row = { payer: walletId, payee: merchantId, payerSeq: 2, paid: 10, amount: 10 }
  const lot = (await lotsOf(house, walletId))[0]!
  await insertRow(house, { ...row, legs: [[lot, 'paid', -10]] })
  const unbalanced: Row['legs'][] = [
    [],
    [[lot, 'paid', -9]],
    [[lot, 'paid', -11]],
    [[lot, 'bonus', -10]],
    [
      [lot, 'paid', -10],
      [lot, 'bonus', -1],
    ],
    [
      [lot, 'paid', -10],
      [lot, 'paid', 5],
    ],
  ]
  for (const legs of unbalanced) {
    await assert.rejects(insertRow(house, { ...row, payerSeq: 3, legs }), { constraint: 'transfer_balances' })
  }
})

test('the database itself refuses points that change their class on the way, unless as a prize', async (t) => {
  const house = await openLedgerHouse(t)
  const [from, to] = [await house.wallet(100), await house.wallet()]
  const lot = (await lotsOf(house, from))[0]!
  const row = { payer: from, payee: to, payerSeq: 2, payeeSeq: 1, paid: 10, amount: 10 }
  const legs: Row['legs'] = [
    [lot, 'paid', -10],
    [newId(), 'prize', 10],
  ]
  await assert.rejects(insertRow(house, { ...row, kind: 'move', legs }), { constraint: 'transfer_balances' })
  await insertRow(house, { ...row, kind: 'reward', legs })
})

test('the database itself refuses a second entry in the same place of a statement', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  const legs: Row['legs'] = [[(await lotsOf(house, walletId))[0]!, 'paid', -10]]
  const row = { payer: walletId, payee: merchantId, payerSeq: 2, paid: 10, amount: 10, legs }
  await insertRow(house, row)
  await assert.rejects(insertRow(house, row), { constraint: 'transfer_payer_seq' })
})

test('the database itself refuses lots, balances and holds that no rule allows', async (t) => {
  const house = await openLedgerHouse(t)
  const walletId = await house.wallet(100)
  const { sql } = house.database
  const broken: [string, string][] = [
    ['update ledger.lot set remaining = -1 where account_id = $1', 'lot_within_amount'],
    ['update ledger.lot set remaining = amount + 1 where account_id = $1', 'lot_within_amount'],
    ['update ledger.lot set held = remaining + 1 where account_id = $1', 'lot_within_amount'],
    ['update ledger.account set paid = 101, bonus = -1 where id = $1', 'account_never_below_zero'],
    ['update ledger.account set held = paid + 1 where id = $1', 'account_holds_what_it_has'],
    ['update ledger.account set paid = 9007199254740992 where id = $1', 'account_within_bounds'],
  ]
  for (const [statement, constraint] of broken) {
    await assert.rejects(sql.run(statement, [walletId]), { constraint }, statement)
  }
})

test('the service can neither change nor remove what the journal and the keys say', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  transferOf(await house.lane.submit(spendOf(walletId, merchantId, 10)))
  const [owner] = await house.database.sql.rows<{ who: string }>('select current_user::text as who')
  assert.equal(owner!.who, 'podo_service')
  const forbidden = [
    'update ledger.transfer set amount = 1',
    'delete from ledger.transfer',
    'truncate ledger.transfer',
    'drop table ledger.transfer',
    'alter table ledger.transfer disable trigger all',
    'drop trigger transfer_balances on ledger.transfer',
    'create or replace function ledger.refuse_unbalanced() returns trigger language sql as $$ select null $$',
    'set session_replication_role = replica',
    'set role podo_owner',
    'delete from ledger.lot',
    'delete from ledger.account',
    'delete from ledger.hold',
    `update platform.idempotency_key set answer = ''`,
    'delete from platform.idempotency_key',
    'truncate platform.idempotency_key',
    'delete from platform.idempotency_key_0',
    'select * from platform.idempotency_key_0',
  ]
  for (const statement of forbidden) {
    await assert.rejects(house.database.sql.run(statement), /permission denied|must be owner/, statement)
  }
})

test('the statement of a wallet is an unbroken chain, also for transfers of one batch', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(1_000), await house.merchant()]
  const other = await house.wallet()
  const outcomes = await Promise.all([
    ...Array.from({ length: 30 }, (_, at) => house.spend(walletId, merchantId, at + 1)),
    ...Array.from({ length: 10 }, () =>
      house.lane.submit(commandOf({ kind: 'move', walletId, toWalletId: other, amount: 5 })),
    ),
  ])
  const transfers = outcomes.map(transferOf).sort((a, b) => a.seq! - b.seq!)
  let balance = 1_000
  for (const [at, transfer] of transfers.entries()) {
    balance -= transfer.amount
    assert.equal(transfer.seq, at + 2)
    assert.equal(transfer.balanceAfter, balance)
  }
  await house.assertAgreement()
})

test('what enters the programme and what it holds add up to nothing, class by class', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(500), await house.merchant()]
  await house.charge(walletId, 70, { class: 'bonus' })
  const spend = transferOf(await house.spend(walletId, merchantId, 200))
  await house.lane.submit(commandOf({ kind: 'refund', transferId: spend.id, amount: 50 }))
  await house.lane.submit(commandOf({ kind: 'adjust', accountId: walletId, class: 'paid', amount: -20 }))
  await house.lane.submit(commandOf({ kind: 'payout', from: { merchantId }, amount: 100 }))
  const [sums] = await house.ownerSql.rows<{ bonus: string; paid: string; accounts: string }>(
    `with side as (
       select payee_id as id, bonus, paid from ledger.transfer
       union all select payer_id, -bonus, -paid from ledger.transfer
     )
     select sum(bonus)::text as bonus, sum(paid)::text as paid,
       count(distinct id) filter (where id = any($1::uuid[]))::text as accounts
     from side`,
    [[systemAccounts.issuance, systemAccounts.adjustments, systemAccounts.payout, walletId, merchantId]],
  )
  assert.deepEqual(sums, { bonus: '0', paid: '0', accounts: '5' })
  await house.assertAgreement()
})

interface Row {
  readonly kind?: 'spend' | 'move' | 'reward'
  readonly payer: string
  readonly payee: string
  readonly payerSeq: number
  readonly payeeSeq?: number
  readonly amount: number
  readonly paid: number
  readonly legs: readonly (readonly [lotId: string, pointClass: string, amount: number])[]
}

/** As the service would write it, were its decision wrong. */
async function insertRow(house: LedgerHouse, row: Row): Promise<void> {
  await house.database.sql.run(
    `insert into ledger.transfer (id, kind, amount, payer_id, payee_id, payer_seq, payer_balance, payee_seq,
       payee_balance, bonus, prize, paid, lot_ids, lot_classes, lot_amounts, actor_type, at)
     values ($1, $2, $3, $4, $5, $6, 0, $7, $8, 0, 0, $9, $10::uuid[], $11::ledger.class[], $12::bigint[], 'operator',
       now())`,
    [
      newId(),
      row.kind ?? 'spend',
      row.amount,
      row.payer,
      row.payee,
      row.payerSeq,
      row.payeeSeq ?? null,
      row.payeeSeq === undefined ? null : 0,
      row.paid,
      row.legs.map(([lotId]) => lotId),
      `{${row.legs.map(([, pointClass]) => pointClass).join()}}`,
      row.legs.map(([, , amount]) => amount),
    ],
  )
}

async function lotsOf(house: LedgerHouse, walletId: string): Promise<string[]> {
  const rows = await house.ownerSql.rows<{ id: string }>('select id from ledger.lot where account_id = $1', [walletId])
  return rows.map((row) => row.id)
}
