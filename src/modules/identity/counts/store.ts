import type { Sql } from '#platform/database'
import type { MemberCounts, MemberDay } from './counts.ts'

type Reads = { readonly sql: Sql }

export async function selectCounts(reads: Reads): Promise<MemberCounts> {
  const [counts] = await reads.sql.rows<MemberCounts>(
    `select count(*) as members, count(left_at) as left,
       (select count(*) from identity.login) as "withLogin",
       (select count(*) from identity.session
        where ended_at is null and expires_at > platform.programme_time()) as "activeSessions"
     from identity.member`,
  )
  return counts!
}

export function selectDays(reads: Reads, timeZone: string): Promise<MemberDay[]> {
  return reads.sql.rows<MemberDay>(
    `select day::text, sum(joined)::bigint as joined, sum(departed)::bigint as left from (
       select (created_at at time zone $1)::date as day, 1 as joined, 0 as departed from identity.member
       union all
       select (left_at at time zone $1)::date, 0, 1 from identity.member where left_at is not null
     ) event
     group by day`,
    [timeZone],
  )
}
