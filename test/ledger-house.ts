import assert from 'node:assert/strict'
import {
  type Charge,
  type Command,
  findRollUpLag,
  foldBalances,
  type LedgerLane,
  type LedgerOutcome,
  type LedgerSettings,
  openAccounts,
  openLedgerLane,
  type Transfer,
} from '#modules/ledger'
import { newId } from '#platform/ids'
import type { Lease } from '#platform/leases'
import { system } from '#platform/work'
import { type House, type HouseOptions, openHouse, type Process, type Scope, until } from './harness.ts'
import { commandOf } from './ledger-operations.ts'

/** A test's own database with a ledger on it, spoken to in the ledger's words. */
export interface LedgerHouse extends House {
  readonly settings: LedgerSettings
  readonly lane: LedgerLane
  /** Another process: its own pool, its own lane. */
  secondLane(): Process & { readonly lane: LedgerLane }
  openMany(kind: 'wallet' | 'pot' | 'merchant', count: number): Promise<string[]>
  /** A wallet with paid points in it, or with none. */
  wallet(amount?: number): Promise<string>
  merchant(): Promise<string>
  charge(walletId: string, amount: number, more?: Partial<Charge>): Promise<Transfer>
  spend(walletId: string, merchantId: string, amount: number): Promise<LedgerOutcome>
  /** Folds until all is folded: transactions in other databases of the server hold the horizon back too. */
  foldAll(lease?: Lease): Promise<unknown>
  /** Fails unless lots, balances, holds and statement of every wallet and pot say the same, without a gap. */
  assertAgreement(): Promise<void>
}

const settings: LedgerSettings = { spendOrder: 'bonus-first', refundGraceDays: 30 }

export async function openLedgerHouse(
  scope: Scope,
  options: HouseOptions & { settings?: LedgerSettings } = {},
): Promise<LedgerHouse> {
  const house = await openHouse(scope, options)
  const openLane = ({ withWork }: Process) => {
    const lane = openLedgerLane({ withWork, settings: options.settings ?? settings, ageMaxMs: 60_000 })
    house.onClose(() => lane.close())
    return lane
  }
  const lane = openLane(house)
  const openMany: LedgerHouse['openMany'] = async (kind, count) => {
    const accounts = Array.from({ length: count }, () => ({ id: newId(), kind, ownerType: 'test', ownerId: newId() }))
    await house.withWork(system, (work) => openAccounts(work, accounts))
    return accounts.map((account) => account.id)
  }
  const charge: LedgerHouse['charge'] = async (walletId, amount, more = {}) =>
    transferOf(
      await lane.submit(
        commandOf({ kind: 'charge', walletId, class: 'paid', amount, expiresAt: null, paymentId: null, ...more }),
      ),
    )
  return {
    ...house,
    settings: options.settings ?? settings,
    lane,
    secondLane() {
      const process = house.second()
      return { ...process, lane: openLane(process) }
    },
    openMany,
    async wallet(amount = 0) {
      const [id] = await openMany('wallet', 1)
      if (amount > 0) await charge(id!, amount)
      return id!
    },
    merchant: async () => (await openMany('merchant', 1))[0]!,
    charge,
    spend: (walletId, merchantId, amount) => lane.submit(spendOf(walletId, merchantId, amount)),
    foldAll: (lease) =>
      until('everything was folded', async () => {
        await house.withWork(system, (work) => foldBalances(work, lease))
        return (await findRollUpLag(house.database)) === 0
      }),
    assertAgreement: () => assertAgreement(house),
  }
}

export function spendOf(walletId: string, merchantId: string, amount: number): Command {
  return commandOf({ kind: 'spend', walletId, merchantId, amount })
}

/** The transfer of an outcome that must have been done. */
export function transferOf(outcome: LedgerOutcome): Transfer {
  if (outcome.status !== 'done') assert.fail(`not done: ${JSON.stringify(outcome)}`)
  return outcome.transfer
}

/** The last word of the problem's type, or the status where there is none. */
export function verdictOf(outcome: LedgerOutcome): string {
  return outcome.status === 'refused' ? outcome.problem.kind.type.split('/').at(-1)! : outcome.status
}

/** Fails unless lots, balances, holds and statement of every wallet and pot say the same, without a gap. */
export async function assertAgreement({ ownerSql }: House): Promise<void> {
  const wrong = await ownerSql.rows<Record<string, unknown>>(
    `with lots as (
       select account_id, sum(remaining) filter (where class = 'bonus') as bonus,
         sum(remaining) filter (where class = 'prize') as prize,
         sum(remaining) filter (where class = 'paid') as paid, sum(held) as held
       from ledger.lot group by account_id
     ), entry as (
       select payer_id as account_id, payer_seq as seq, payer_balance as balance, -(bonus + prize + paid) as change
       from ledger.transfer where payer_seq is not null
       union all
       select payee_id, payee_seq, payee_balance, bonus + prize + paid from ledger.transfer where payee_seq is not null
     ), chain as (
       select *, row_number() over w as place, sum(change) over w as running from entry
       window w as (partition by account_id order by seq)
     ), statement as (
       select account_id, max(seq) as seq, sum(change) as balance,
         count(*) filter (where seq <> place or balance <> running) as gaps
       from chain group by account_id
     ), pending as (
       select account_id, sum(amount) as held from ledger.hold where status = 'pending' group by account_id
     )
     select a.id::text, a.bonus, a.prize, a.paid, a.held, a.seq, l.bonus::text as lot_bonus, l.prize::text as lot_prize,
       l.paid::text as lot_paid, l.held::text as lot_held, s.balance::text as booked, s.seq as booked_seq, s.gaps,
       p.held::text as pending
     from ledger.account a
     left join lots l on l.account_id = a.id
     left join statement s on s.account_id = a.id
     left join pending p on p.account_id = a.id
     where a.kind in ('wallet', 'pot') and (
       (a.bonus, a.prize, a.paid, a.held) is distinct from
         (coalesce(l.bonus, 0), coalesce(l.prize, 0), coalesce(l.paid, 0), coalesce(l.held, 0))
       or a.held <> coalesce(p.held, 0) or a.seq <> coalesce(s.seq, 0) or coalesce(s.gaps, 0) <> 0
       or a.bonus + a.prize + a.paid <> coalesce(s.balance, 0))`,
  )
  assert.deepEqual(wrong, [])
}
