import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import type { DayOfMembers, FlowSum, Totals } from './statistics.ts'

type Reads = { readonly sql: Sql }

/** From where the journal has to be added up; nobody else adds it until the unit of work ends. */
export async function lockWatermark(work: Work): Promise<number> {
  const [row] = await work.sql.rows<{ watermark: number }>('select watermark from ops.statistics for update')
  return row!.watermark
}

/** Adds to what is there, in the unit of work that moves the watermark: each transfer counts once. */
export async function addFlows(work: Work, input: { flows: readonly FlowSum[]; watermark: number }): Promise<void> {
  const { flows, watermark } = input
  await work.sql.run(
    `insert into ops.point_day as d (day, flow, paid, bonus, prize)
     select day, flow, sum(paid), sum(bonus), sum(prize)
     from unnest($1::date[], $2::text[], $3::numeric[], $4::numeric[], $5::numeric[])
       as t (day, flow, paid, bonus, prize)
     group by day, flow
     on conflict (day, flow) do update set paid = d.paid + excluded.paid, bonus = d.bonus + excluded.bonus,
       prize = d.prize + excluded.prize`,
    [
      flows.map(({ day }) => day),
      flows.map(({ flow }) => flow),
      flows.map(({ paid }) => paid),
      flows.map(({ bonus }) => bonus),
      flows.map(({ prize }) => prize),
    ],
  )
  await work.sql.run('update ops.statistics set watermark = $1', [watermark])
}

export async function updateMembers(
  work: Work,
  input: { counts: Omit<Totals, 'computedAt'>; days: readonly DayOfMembers[]; computedAt: Date },
): Promise<void> {
  const { counts, days, computedAt } = input
  await work.sql.run(
    `insert into ops.member_day (day, joined, members_left)
     select * from unnest($1::date[], $2::bigint[], $3::bigint[])
     on conflict (day) do update set joined = excluded.joined, members_left = excluded.members_left
       where (member_day.joined, member_day.members_left) <> (excluded.joined, excluded.members_left)`,
    [days.map(({ day }) => day), days.map(({ joined }) => joined), days.map(({ left }) => left)],
  )
  await work.sql.run(
    `update ops.statistics set computed_at = $1, members = $2, with_login = $3, members_left = $4, active_sessions = $5`,
    [computedAt, counts.members, counts.withLogin, counts.left, counts.activeSessions],
  )
}

export async function selectTotals(reads: Reads): Promise<Totals & { readonly ageSeconds: number }> {
  const [row] = await reads.sql.rows<Totals & { readonly ageSeconds: number }>(
    `select computed_at as "computedAt", members, with_login as "withLogin", members_left as left,
       active_sessions as "activeSessions",
       coalesce(greatest(0, extract(epoch from platform.programme_time() - computed_at)::int), 0) as "ageSeconds"
     from ops.statistics`,
  )
  return row!
}

export function selectMemberDays(reads: Reads, period: { from: string; to: string }): Promise<DayOfMembers[]> {
  return reads.sql.rows<DayOfMembers>(
    `select day::text, joined, members_left as left from ops.member_day
     where day between $1::date and $2::date order by day`,
    [period.from, period.to],
  )
}

export function selectFlowSums(reads: Reads, period: { from: string; to: string }): Promise<Omit<FlowSum, 'day'>[]> {
  return reads.sql.rows<Omit<FlowSum, 'day'>>(
    `select flow, sum(paid)::text as paid, sum(bonus)::text as bonus, sum(prize)::text as prize from ops.point_day
     where day between $1::date and $2::date group by flow`,
    [period.from, period.to],
  )
}
