import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sql } from '#platform/database'
import { newId } from '#platform/ids'
import { type LedgerHouse, openLedgerHouse, transferOf } from '#test/ledger-house'
import { commandOf } from '#test/ledger-operations'
import { readDue } from '../store.ts'
import { findRefunded, listExpiring, type Reads } from './statements.ts'

const dayMs = 86_400_000
const minuteMs = 60_000

test('what expires soon counts every point of the wallet that will, free or held in part or whole', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId, now] = [await house.wallet(), await house.merchant(), await timeOf(house)]
  const [soon, later] = [new Date(now.getTime() + dayMs), new Date(now.getTime() + 2 * dayMs)]
  await house.charge(walletId, 100, { class: 'bonus', expiresAt: soon })
  await house.charge(walletId, 50, { class: 'bonus', expiresAt: soon })
  await house.charge(walletId, 7, { expiresAt: later })
  await house.charge(walletId, 1_000, { expiresAt: new Date(now.getTime() + 40 * dayMs) })
  const expiring = () => listExpiring(house.database, { walletId, withinDays: 30 })
  const whole = [
    { amount: 150, class: 'bonus', expiresAt: soon },
    { amount: 7, class: 'paid', expiresAt: later },
  ]
  const hold = async (amount: number) => {
    const expiresInSeconds = 600
    const outcome = await house.lane.submit(
      commandOf({ kind: 'hold', walletId, payeeId: merchantId, amount, expiresInSeconds, lotId: null }),
    )
    assert.ok(outcome.status === 'done' && outcome.hold)
    return outcome.hold.id
  }
  assert.deepEqual(await expiring(), whole)
  const held = [await hold(40), await hold(60), await hold(57)]
  assert.deepEqual(await expiring(), whole)
  transferOf(await house.lane.submit(commandOf({ kind: 'void', holdId: held[0]! })))
  assert.deepEqual(await expiring(), whole)
  transferOf(await house.lane.submit(commandOf({ kind: 'post', holdId: held[1]!, amount: null })))
  assert.deepEqual(await expiring(), [{ ...whole[0], amount: 90 }, whole[1]])
  await house.advance(2 * 86_400)
  assert.deepEqual(await expiring(), [])
})

test('what expires soon is the soonest hundred groups, each with all that expires then', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, now] = [await house.wallet(), await timeOf(house)]
  const at = (minute: number) => new Date(now.getTime() + dayMs + minute * minuteMs)
  const charges = Array.from({ length: 240 }, (_, index) =>
    house.charge(walletId, 1 + index, { class: index % 4 ? 'bonus' : 'paid', expiresAt: at(index >> 1) }),
  )
  await Promise.all(charges)
  const expiring = await listExpiring(house.database, { walletId, withinDays: 30 })
  const expected = Array.from({ length: 120 }, (_, minute) =>
    minute % 2
      ? [{ amount: 4 * minute + 3, class: 'bonus', expiresAt: at(minute) }]
      : [
          { amount: 2 * minute + 2, class: 'bonus', expiresAt: at(minute) },
          { amount: 2 * minute + 1, class: 'paid', expiresAt: at(minute) },
        ],
  )
  assert.deepEqual(expiring, expected.flat().slice(0, 100))
})

test('reading what expires soon costs no more in a wallet of thousands of lots', async (t) => {
  const house = await openLedgerHouse(t)
  const walletId = await walletOfLots(house)
  const blocks = await blocksOf(house, ({ sql }) => listExpiring({ sql }, { walletId, withinDays: 30 }))
  assert.ok(blocks < 300, `${blocks} blocks were looked at`)
})

test('knowing what is due next costs no more in a wallet of thousands of lots', async (t) => {
  const house = await openLedgerHouse(t)
  const due = { accountId: await walletOfLots(house), until: await timeOf(house) }
  const blocks = await blocksOf(house, ({ sql }) => readDue(sql, due))
  assert.ok(blocks < 30, `${blocks} blocks were looked at`)
})

test('what has been refunded of spends is told class by class', async (t) => {
  const house = await openLedgerHouse(t)
  const [walletId, merchantId] = [await house.wallet(100), await house.merchant()]
  await house.charge(walletId, 30, { class: 'bonus' })
  const spent = transferOf(await house.spend(walletId, merchantId, 50))
  const other = transferOf(await house.spend(walletId, merchantId, 50))
  const refunded = () => findRefunded(house.database, [spent.id, other.id])
  assert.deepEqual(await refunded(), new Map())
  for (const amount of [15, 10])
    transferOf(await house.lane.submit(commandOf({ kind: 'refund', transferId: spent.id, amount })))
  assert.deepEqual(await refunded(), new Map([[spent.id, { bonus: 5, prize: 0, paid: 20 }]]))
})

/** Of its lots a third never expires, a third does within thirty days, each at an instant of its own, and one later. */
async function walletOfLots(house: LedgerHouse): Promise<string> {
  const [walletId, now] = [await house.wallet(), await timeOf(house)]
  const charges = Array.from({ length: 2_400 }, (_, index) => {
    const days = 20 * (index % 3)
    const expiresAt = days > 0 ? new Date(now.getTime() + days * dayMs + index * minuteMs) : null
    return house.charge(walletId, 1, { class: index % 2 ? 'bonus' : 'paid', expiresAt })
  })
  await Promise.all(charges)
  return walletId
}

async function timeOf({ ownerSql }: LedgerHouse): Promise<Date> {
  const [clock] = await ownerSql.rows<{ now: Date }>('select platform.programme_time() as now')
  return clock!.now
}

interface Explained {
  readonly 'QUERY PLAN': readonly { readonly Plan: Record<'Shared Hit Blocks' | 'Shared Read Blocks', number> }[]
}

/** Blocks that a read looks at, in the plans that the service has: each is made once, for any values. */
async function blocksOf(house: LedgerHouse, read: (reads: Reads) => Promise<unknown>): Promise<number> {
  let blocks = 0
  await house.database.transaction(async (sql) => {
    const explaining: Sql = {
      ...sql,
      async rows<Row>(text: string, values: readonly unknown[] = []) {
        const name = `measured_${newId().replaceAll('-', '')}`
        await sql.run(`prepare ${name} as ${text}`)
        const [explained] = await sql.rows<Explained>(
          `explain (analyze, buffers, format json) execute ${name} (${values.map(literalOf).join()})`,
        )
        const { Plan } = explained!['QUERY PLAN'][0]!
        blocks += Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
        return sql.rows<Row>(text, values)
      },
    }
    await read({ sql: explaining })
  })
  return blocks
}

function literalOf(value: unknown): string {
  return `'${value instanceof Date ? value.toISOString() : value}'`
}
