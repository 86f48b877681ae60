import { timingSafeEqual } from 'node:crypto'
import type { Sql } from './database.ts'
import type { Sealing } from './sealing.ts'
import type { Work } from './work.ts'

type Reads = { readonly sql: Sql }

/** What a link is for, and for whom. */
export interface Link {
  /** UUID of whom it is for; there is one link of a purpose for each. */
  readonly subjectId: string
  /** What its maker found true and its user may compare, such as the address that it was sent to. */
  readonly boundTo: string
}

/** Signed links of a limited life, each good once. Their tokens are told when they are made, and kept nowhere. */
export interface Links {
  /** The token of a new link; an earlier one of the same purpose and subject is good for nothing from the commit on. */
  issue(work: Work, link: Link & { purpose: string; lifeSeconds: number }): Promise<string>
  /** What a token stands for that is still good; null for any other. */
  find(reads: Reads, token: { purpose: string; token: string }): Promise<Link | null>
  /** The same, and uses it up: of two who use it at once one gets null. */
  use(work: Work, token: { purpose: string; token: string }): Promise<Link | null>
}

interface LinkRow extends Link {
  readonly id: string
  readonly expiresAt: Date
}

/** Links signed with the process's secret, so that nobody makes one who only writes to the database. */
export function openLinks(sealing: Sealing): Links {
  const sign = (purpose: string, { id, subjectId, boundTo, expiresAt }: LinkRow) =>
    sealing.mac(`link ${purpose}`, JSON.stringify([id, subjectId, boundTo, expiresAt.getTime()]))

  async function find(reads: Reads, { purpose, token }: { purpose: string; token: string }): Promise<LinkRow | null> {
    const parts = parseToken(token)
    const row = parts && (await selectLink(reads, { purpose, id: parts.id }))
    return row && timingSafeEqual(parts.signature, sign(purpose, row)) ? row : null
  }

  return {
    find,
    async issue(work, { purpose, lifeSeconds, subjectId, boundTo }) {
      const expiresAt = new Date((await work.now()).getTime() + lifeSeconds * 1_000)
      const row = { id: work.newId(), subjectId, boundTo, expiresAt }
      await upsertLink(work, { ...row, purpose })
      return Buffer.concat([Buffer.from(row.id.replaceAll('-', ''), 'hex'), sign(purpose, row)]).toString('base64url')
    },
    async use(work, token) {
      const row = await find(work, token)
      return row && (await deleteLink(work, row.id)) ? row : null
    },
  }
}

/** Whether so many seconds have passed since this was last true for the subject: what is told once in a while, then is. */
export async function isDue(
  work: Work,
  { purpose, subjectId, everySeconds }: { purpose: string; subjectId: string; everySeconds: number },
): Promise<boolean> {
  const now = await work.now()
  const expiresAt = new Date(now.getTime() + everySeconds * 1_000)
  // A row like a link's, whose token nobody has: it says by its end when the next turn is. The primary key lets one in.
  const touched = await work.sql.run(
    `insert into platform.link (id, purpose, subject_id, bound_to, expires_at) values ($1, $2, $3, '', $4)
     on conflict (purpose, subject_id) do update set id = excluded.id, expires_at = excluded.expires_at
     where platform.link.expires_at <= $5`,
    [work.newId(), purpose, subjectId, expiresAt, now],
  )
  return touched === 1
}

/** Ends every link for a subject, of these purposes. */
export async function endLinks(
  work: Work,
  { purposes, subjectId }: { purposes: readonly string[]; subjectId: string },
): Promise<void> {
  await work.sql.run('delete from platform.link where purpose = any($1::text[]) and subject_id = $2', [
    purposes,
    subjectId,
  ])
}

const idBytes = 16
const tokenPattern = /^[\w-]{64}$/

/** The id, and the signature of 32 bytes. */
function parseToken(token: string): { id: string; signature: Buffer } | null {
  if (!tokenPattern.test(token)) return null
  const bytes = Buffer.from(token, 'base64url')
  const id = bytes.toString('hex', 0, idBytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  return { id, signature: bytes.subarray(idBytes) }
}

async function selectLink(reads: Reads, { purpose, id }: { purpose: string; id: string }): Promise<LinkRow | null> {
  const [row] = await reads.sql.rows<LinkRow>(
    `select id, subject_id as "subjectId", bound_to as "boundTo", expires_at as "expiresAt"
     from platform.link where id = $1 and purpose = $2 and expires_at > platform.programme_time()`,
    [id, purpose],
  )
  return row ?? null
}

/** One a purpose and subject: what was there goes with its id, and so does its token. */
async function upsertLink(work: Work, link: LinkRow & { purpose: string }): Promise<void> {
  await work.sql.run(
    `insert into platform.link (id, purpose, subject_id, bound_to, expires_at) values ($1, $2, $3, $4, $5)
     on conflict (purpose, subject_id)
       do update set id = excluded.id, bound_to = excluded.bound_to, expires_at = excluded.expires_at`,
    [link.id, link.purpose, link.subjectId, link.boundTo, link.expiresAt],
  )
}

/** Whether it was there: of two at once the second waits, and finds it gone. */
async function deleteLink(work: Work, id: string): Promise<boolean> {
  const touched = await work.sql.run(
    'delete from platform.link where id = $1 and expires_at > platform.programme_time()',
    [id],
  )
  return touched === 1
}
