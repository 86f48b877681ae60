import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import type { PaymentCode } from './codes.ts'

type Reads = { readonly sql: Sql }

/** In the place of the wallet's last one: the primary key is the promise that it has one at most. */
export async function replaceCode(
  work: Work,
  code: PaymentCode & { digest: Buffer; sessionId: string; createdAt: Date },
): Promise<void> {
  await work.sql.run(
    `insert into points.payment_code (wallet_id, digest, session_id, created_at, expires_at)
     values ($1, $2, $3, $4, $5)
     on conflict (wallet_id) do update
     set digest = excluded.digest, session_id = excluded.session_id, created_at = excluded.created_at,
       expires_at = excluded.expires_at, used_key = null, used_request = null`,
    [code.walletId, code.digest, code.sessionId, code.createdAt, code.expiresAt],
  )
}

/** The session that made a code; null for one from before sessions were written down, which is none any more. */
interface Made {
  readonly sessionId: string | null
}

/** A code, and whether it may still be used, as far as its session goes on. */
export async function selectCode(
  reads: Reads,
  digests: readonly Buffer[],
): Promise<(PaymentCode & Made & { readonly isLive: boolean }) | null> {
  const rows = await reads.sql.rows<PaymentCode & Made & { isLive: boolean }>(
    `select wallet_id as "walletId", session_id as "sessionId", expires_at as "expiresAt",
       used_key is null and expires_at > platform.programme_time() as "isLive"
     from points.payment_code where digest = any($1::bytea[])`,
    [digests.map(toBytea)],
  )
  return rows[0] ?? null
}

/**
 * The code where it is this request's now, else null. One statement, so that of any number at once the first has it:
 * the others wait for its row, and find it used. The request that has it finds it again, for so long as it may be
 * retried.
 */
export async function claimCode(
  reads: Reads,
  by: { digests: readonly Buffer[]; walletId: string; key: string; request: string; retrySeconds: number },
): Promise<Made | null> {
  const rows = await reads.sql.rows<Made>(
    `update points.payment_code set used_key = $3, used_request = $4
     where digest = any($1::bytea[]) and wallet_id = $2
       and (used_key is null and expires_at > platform.programme_time()
         or used_key = $3 and used_request = $4
           and expires_at > platform.programme_time() - make_interval(secs => $5))
     returning session_id as "sessionId"`,
    [by.digests.map(toBytea), by.walletId, by.key, by.request, by.retrySeconds],
  )
  return rows[0] ?? null
}

/** As an array of them is written. */
function toBytea(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`
}
