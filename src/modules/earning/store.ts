import { type Sql, sparse } from '#platform/database'
import type { Work } from '#platform/work'
import type { Earning } from './earning.ts'

type Reads = { readonly sql: Sql }

const columns = `id, company_id as "companyId", wallet_id as "walletId", member_id as "memberId", spend_id as "spendId",
  reference, base, refunded, rule_id as "ruleId", rule_version as "ruleVersion", day::text as day, earned,
  taken_back as "takenBack", transfer_id as "transferId", lot_id as "lotId", refusal, created_at as "createdAt"`

/**
 * Says of purchases that they earn, for the first who does; answers the ids of those that were new. Waits for whoever
 * says it of the same purchase.
 */
export async function insertEarnings(work: Work, earnings: readonly Earning[]): Promise<Set<string>> {
  const rows = await work.sql.rows<{ id: string }>(
    `insert into earning.earning (id, company_id, wallet_id, member_id, spend_id, reference, base, rule_id,
       rule_version, day, created_at)
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bigint[],
       $8::uuid[], $9::integer[], $10::date[], $11::timestamptz[])
     on conflict do nothing returning id`,
    [
      earnings.map(({ id }) => id),
      earnings.map(({ companyId }) => companyId),
      earnings.map(({ walletId }) => walletId),
      sparse(earnings.map(({ memberId }) => memberId)),
      sparse(earnings.map(({ spendId }) => spendId)),
      sparse(earnings.map(({ reference }) => reference)),
      earnings.map(({ base }) => base),
      earnings.map(({ ruleId }) => ruleId),
      earnings.map(({ ruleVersion }) => ruleVersion),
      earnings.map(({ day }) => day),
      earnings.map(({ createdAt }) => createdAt.toISOString()),
    ],
  )
  return new Set(rows.map(({ id }) => id))
}

/** Which earnings are meant: any of these. */
interface Wanted {
  readonly ids?: Iterable<string>
  readonly spendIds?: readonly string[]
  /** Given as these lots. */
  readonly lotIds?: readonly string[]
  /** Given as these lots, where something was refunded. */
  readonly refundedLotIds?: readonly string[]
}

/** Earnings in the order of their ids, locked. */
export function lockEarnings(
  work: Work,
  { ids = [], spendIds = [], lotIds = [], refundedLotIds = [] }: Wanted,
): Promise<Earning[]> {
  return work.sql.rows<Earning>(
    `select ${columns} from earning.earning
     where id = any($1::uuid[]) or spend_id = any($2::uuid[]) or lot_id = any($3::uuid[])
       or (lot_id = any($4::uuid[]) and refunded > 0)
     order by id for no key update`,
    [[...ids], spendIds, lotIds, refundedLotIds],
  )
}

/** What a wallet earned by a rule on a day. */
export interface Day extends Pick<Earning, 'walletId' | 'ruleId' | 'day'> {
  readonly earned: number
}

/** A day of a wallet and a rule in one text. */
export function nameOfDay({ walletId, ruleId, day }: Omit<Day, 'earned'>): string {
  return `${walletId} ${ruleId} ${day}`
}

/** Adds to what was earned on days, and answers what each has then; nobody else changes them until the unit of work ends. */
export function addToDays(work: Work, days: readonly Day[]): Promise<Day[]> {
  return work.sql.rows<Day>(
    `insert into earning.day (wallet_id, rule_id, day, earned)
     select wallet_id, rule_id, day, sum(earned)
     from unnest($1::uuid[], $2::uuid[], $3::date[], $4::bigint[]) as added (wallet_id, rule_id, day, earned)
     group by wallet_id, rule_id, day order by wallet_id, rule_id, day
     on conflict (wallet_id, rule_id, day) do update set earned = day.earned + excluded.earned
     returning wallet_id as "walletId", rule_id as "ruleId", day::text as day, earned`,
    [
      days.map(({ walletId }) => walletId),
      days.map(({ ruleId }) => ruleId),
      days.map(({ day }) => day),
      days.map(({ earned }) => earned),
    ],
  )
}

/** Writes what became of earnings. */
export function updateEarnings(work: Work, earnings: readonly Earning[]): void {
  work.sql.send(
    `update earning.earning set refunded = u.refunded, earned = u.earned, taken_back = u.taken_back,
       transfer_id = u.transfer_id, lot_id = u.lot_id, refusal = u.refusal
     from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[])
       as u (id, refunded, earned, taken_back, transfer_id, lot_id, refusal)
     where earning.id = u.id`,
    [
      earnings.map(({ id }) => id),
      earnings.map(({ refunded }) => refunded),
      earnings.map(({ earned }) => earned),
      earnings.map(({ takenBack }) => takenBack),
      sparse(earnings.map(({ transferId }) => transferId)),
      sparse(earnings.map(({ lotId }) => lotId)),
      sparse(earnings.map(({ refusal }) => refusal)),
    ],
  )
}

export async function selectByReference(
  reads: Reads,
  { companyId, reference }: { companyId: string; reference: string },
): Promise<Earning | null> {
  const rows = await reads.sql.rows<Earning>(
    `select ${columns} from earning.earning where company_id = $1 and reference = $2`,
    [companyId, reference],
  )
  return rows[0] ?? null
}

/**
 * What was earned at a company by its own rules or by what it told of, newest first, from after `after`. What a spend
 * earned by a rule of the programme says which points it was paid with, which its merchant does not see.
 */
export function selectEarningPage(
  reads: Reads,
  page: { companyId: string; after: string | null; limit: number },
): Promise<Earning[]> {
  return reads.sql.rows<Earning>(
    `select ${columns} from earning.earning
     where company_id = $1 and id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       and (reference is not null or rule_id in (select r.id from earning.rule r where r.company_id = $1))
     order by id desc limit $3`,
    [page.companyId, page.after, page.limit],
  )
}
