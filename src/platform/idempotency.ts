import { hash } from 'node:crypto'
import { uniqueViolation } from './database.ts'
import { defineProblems } from './problem.ts'
import type { Actor, Work } from './work.ts'

/** How a key is refused. */
export const idempotencyProblems = defineProblems('idempotency', {
  keyReused: {
    status: 422,
    title: { ko: '이미 다른 요청에 사용된 키입니다', en: 'The key was used for another request' },
    detail: {
      ko: '같은 Idempotency-Key로 내용이 다른 요청이 이미 처리되었습니다. 새 키로 보내 주십시오.',
      en: 'This Idempotency-Key came with another request before. Send this one with a new key.',
    },
  },
  awaited: {
    status: 202,
    title: { ko: '접수되어 처리를 기다립니다', en: 'Taken on, and waiting to be carried out' },
    detail: {
      ko: '같은 요청이 이미 접수되어 차례를 기다리고 있습니다. 잠시 뒤 그대로 다시 보내면 결과를 받습니다.',
      en: 'The very same request was taken on before and waits for its turn. Send it again shortly for what came of it.',
    },
  },
})

/** Stands for the answer of a request that was taken on and will be carried out. */
export const awaitedStatus = 202

/** A caller's key, and the request that came with it. */
export interface IdempotencyKey {
  /** 16-byte digest of caller and key, written as a UUID. */
  readonly digest: string
  /** 16-byte digest of method, path and parsed body, written as a UUID. */
  readonly requestHash: string
  /** As which the same request with the same key was known by former secrets of the service, where secrets are in it. */
  readonly former?: readonly Pick<IdempotencyKey, 'digest' | 'requestHash'>[]
}

/** What was answered under a key, for ever. */
export interface StoredAnswer extends Omit<IdempotencyKey, 'former'> {
  readonly status: number
  /** JSON text of what a replay needs; its writer puts a version inside. */
  readonly answer: string
}

/** The key of this caller for this request; `key` is the bare text. */
export function idempotencyKey(
  caller: Actor,
  request: { key: string; method: string; path: string; body: unknown },
): IdempotencyKey {
  return {
    digest: digest(`${caller.type}\n${caller.id ?? ''}\n${request.key}`),
    requestHash: digest(`${request.method}\n${request.path}\n${canonicalJson(request.body)}`),
  }
}

/** JSON with the fields of every object in the order of their names, so that equal values have equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value && typeof value === 'object') {
    const fields = Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${canonicalJson((value as Record<string, unknown>)[name])}`)
    return `{${fields.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

function digest(text: string): string {
  const hex = hash('sha256', text)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/**
 * The answers already stored under these digests, those first that stand for one (`awaitedStatus`). Joined, so that
 * each digest is looked for in its own partition; while nothing waits, nobody looks for what does. In its order, the
 * first that waits is found by its index: asked whether one exists, the server may read all that do not wait any more.
 */
export async function findAnswers(work: Work, digests: readonly string[]): Promise<StoredAnswer[]> {
  const rows = await work.sql.rows<StoredAnswer>(
    `select k.digest, k.request_hash as "requestHash", k.status, k.answer
     from unnest($1::uuid[]) as wanted (digest) join platform.idempotency_key k on k.digest = wanted.digest
     union all
     select o.digest, o.request_hash, ${awaitedStatus}, ''
     from unnest($1::uuid[]) as wanted (digest) join platform.operation o on o.digest = wanted.digest
     where o.completed_at is null
       and (select seq from platform.operation where completed_at is null order by seq limit 1) is not null`,
    [digests],
  )
  const isAwaited = ({ status }: StoredAnswer) => status === awaitedStatus
  return rows.some(isAwaited) ? [...rows.filter(isAwaited), ...rows.filter((row) => !isAwaited(row))] : rows
}

/**
 * Stores answers in this unit of work; a key that somebody else stored meanwhile fails it (see `isKeyConflict`).
 * One statement sorted by bytes: unsorted, batches that share keys deadlock.
 */
export function insertAnswers(work: Work, answers: readonly StoredAnswer[]): void {
  if (answers.length === 0) return
  const sorted = answers.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
  work.sql.send(
    `insert into platform.idempotency_key (digest, request_hash, status, answer)
     select * from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[])`,
    [
      sorted.map((a) => a.digest),
      sorted.map((a) => a.requestHash),
      sorted.map((a) => a.status),
      sorted.map((a) => a.answer),
    ],
  )
}

/** Leaves nothing of a person in an answer that shows one as `member`: whoever asks again is told of nobody. */
export function forgetMemberInAnswer(work: Work, { digest, nickname }: { digest: string; nickname: string }): void {
  work.sql.send('select platform.forget_member_in_answer($1, $2)', [digest, nickname])
}

/** Whether a unit of work failed because its key was stored by another: run again, it finds the answer. */
export function isKeyConflict(error: unknown): boolean {
  const violation = uniqueViolation(error)
  return violation?.schema === 'platform' && violation.table.startsWith('idempotency_key')
}
