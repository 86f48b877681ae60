import { timingSafeEqual } from 'node:crypto'
import type { Sql } from './database.ts'
import type { Sealing } from './sealing.ts'
import type { Work } from './work.ts'

type Reads = { readonly sql: Sql }

/** What a link is for, and for whom. */
export interface Link {
  /** UUID of whom it is for; all links of a purpose for one of them end together. */
  readonly subjectId: string
  /** What its maker found true and its user may compare, such as the address that it was sent to. */
  readonly boundTo: string
}

/** Signed links of a limited life, each good once. Their tokens are told when they are made, and kept nowhere. */
export interface Links {
  /**
   * The token of a new link. Those that are out of the same purpose and subject stay good, each for its own time, while
   * they are bound to the same.
   */
  issue(work: Work, link: Link & { purpose: string; lifeSeconds: number }): Promise<string>
  /** What a token stands for that is still good; null for any other. */
  find(reads: Reads, token: { purpose: string; token: string }): Promise<Link | null>
  /** The same, and uses it up with all others of its purpose: of two who use one at once one gets null. */
  use(work: Work, token: { purpose: string; token: string }): Promise<Link | null>
}

/** What all links of a purpose and subject have in common; using one deletes it. */
interface LinkRow extends Link {
  readonly id: string
}

/** Links signed with the process's secret, so that nobody makes one who only writes to the database. */
export function openLinks(sealing: Sealing): Links {
  const signed = ({ id, subjectId, boundTo, expiresMs }: LinkRow & { expiresMs: number }) =>
    JSON.stringify([id, subjectId, boundTo, expiresMs])

  async function find(reads: Reads, { purpose, token }: { purpose: string; token: string }): Promise<LinkRow | null> {
    const parts = parseToken(token)
    const row = parts && (await selectLink(reads, { ...parts, purpose }))
    if (!row) return null
    const signatures = sealing.macs(`link ${purpose}`, signed({ ...row, ...parts }))
    return signatures.some((signature) => timingSafeEqual(parts.signature, signature)) ? row : null
  }

  return {
    find,
    async issue(work, { purpose, lifeSeconds, subjectId, boundTo }) {
      const expiresAt = new Date((await work.now()).getTime() + lifeSeconds * 1_000)
      const id = await upsertLink(work, { id: work.newId(), purpose, subjectId, boundTo, expiresAt })
      const expiresMs = expiresAt.getTime()
      const signature = sealing.mac(`link ${purpose}`, signed({ id, subjectId, boundTo, expiresMs }))
      return toToken({ id, expiresMs, signature })
    },
    async use(work, token) {
      const row = await find(work, token)
      return row && (await deleteLink(work, row.id)) ? row : null
    },
  }
}

/** Whether this was true for the subject less than so many times in as many seconds; turns come back evenly. */
export async function isDue(
  work: Work,
  { purpose, subjectId, times, seconds }: { purpose: string; subjectId: string; times: number; seconds: number },
): Promise<boolean> {
  // A row like a link's, whose token nobody has: its end is when every turn is back. The primary key lets one in.
  const touched = await work.sql.run(
    `insert into platform.link (id, purpose, subject_id, bound_to, expires_at)
     values ($1, $2, $3, '', $4::timestamptz + make_interval(secs => $5))
     on conflict (purpose, subject_id) do update
       set expires_at = greatest(platform.link.expires_at, $4) + make_interval(secs => $5)
       where platform.link.expires_at <= $4 + make_interval(secs => $6 - $5)`,
    [work.newId(), purpose, subjectId, await work.now(), seconds / times, seconds],
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

/** What a token says: the row, its own end, and the signature over both. */
interface TokenParts {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly expiresMs: number
  readonly signature: Buffer
}

const idBytes = 16
const expiryBytes = 6
const tokenPattern = /^[\w-]{72}$/

function toToken({ id, expiresMs, signature }: TokenParts): string {
  const head = Buffer.alloc(idBytes + expiryBytes)
  head.write(id.replaceAll('-', ''), 'hex')
  head.writeUIntBE(expiresMs, idBytes, expiryBytes)
  return Buffer.concat([head, signature]).toString('base64url')
}

function parseToken(token: string): TokenParts | null {
  if (!tokenPattern.test(token)) return null
  const bytes = Buffer.from(token, 'base64url')
  const id = bytes.toString('hex', 0, idBytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  const expiresMs = bytes.readUIntBE(idBytes, expiryBytes)
  return { id, expiresMs, signature: bytes.subarray(idBytes + expiryBytes) }
}

async function selectLink(
  reads: Reads,
  { purpose, id, expiresMs }: { purpose: string; id: string; expiresMs: number },
): Promise<LinkRow | null> {
  const [row] = await reads.sql.rows<LinkRow>(
    `select id, subject_id as "subjectId", bound_to as "boundTo"
     from platform.link
     where id = $1 and purpose = $2 and to_timestamp($3::float8 / 1000) > platform.programme_time()`,
    [id, purpose, expiresMs],
  )
  return row ?? null
}

/** One a purpose and subject, with the id that it has: earlier tokens name it too. Answers that id. */
async function upsertLink(work: Work, link: LinkRow & { purpose: string; expiresAt: Date }): Promise<string> {
  const [row] = await work.sql.rows<{ id: string }>(
    `insert into platform.link (id, purpose, subject_id, bound_to, expires_at) values ($1, $2, $3, $4, $5)
     on conflict (purpose, subject_id)
       do update set bound_to = excluded.bound_to, expires_at = excluded.expires_at
     returning id`,
    [link.id, link.purpose, link.subjectId, link.boundTo, link.expiresAt],
  )
  return row!.id
}

/** Whether it was there: of two at once the second waits, and finds it gone. */
async function deleteLink(work: Work, id: string): Promise<boolean> {
  return (await work.sql.run('delete from platform.link where id = $1', [id])) === 1
}
