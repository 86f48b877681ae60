import type { FastifyRequest } from 'fastify'
import type { Caller } from '#platform/access'
import type { Sql } from '#platform/database'
import { readBearer } from '#platform/http-headers'
import { Problem } from '#platform/problem'
import type { Revocations } from '#platform/revocations'
import { findGoodKeys, isApiKeySecret, type KeyHolder, type Keyring } from './api-keys/api-keys.ts'
import type { People } from './people.ts'
import { identityProblems } from './problems.ts'
import type { Visitor } from './sessions/door.ts'
import { findStillOpen } from './sessions/sessions.ts'

type Request = Pick<FastifyRequest, 'headers' | 'method' | 'address'>

/**
 * Who sent a request: the company whose key it has, or the person whose access token, in the header or as a cookie.
 * Null where nobody is let in; at once for whoever was let in a moment ago. Throws `csrfRefused` for a request by
 * cookie that no page of ours shows to have meant.
 */
export function findCaller(
  { keyring, people }: { keyring: Keyring; people: People },
  request: Request,
): Caller | null | Promise<Caller | null> {
  const { headers, address } = request
  const bearer = readBearer(headers.authorization)
  if (bearer === null) return headers.authorization === undefined ? findByCookie(people, request) : null
  if (!isApiKeySecret(bearer)) return onceThere(people.door.find(bearer), (visitor) => toPerson(visitor, address))
  return onceThere(keyring.find({ secret: bearer, address }), (holder) => toKeyHolder(holder, address))
}

/**
 * Who sent a request, as far as this process knows while the database is away: for requests that are kept until it is
 * back, and then asked for again (`areStillLetIn`). Nobody from whom something was taken away lately.
 */
export async function recallCaller(
  { revocations, ...by }: { keyring: Keyring; people: People; revocations: Revocations },
  request: Request,
): Promise<Caller | null> {
  const caller = await findRecalled(by, request)
  if (!caller) return null
  const ids = [caller.credentialId, caller.actor.id].filter((id) => id !== null)
  const isRevoked = await Promise.all(ids.map(revocations.has))
  return isRevoked.includes(true) ? null : { ...caller, isRecalled: true }
}

async function findRecalled(
  { keyring, people }: { keyring: Keyring; people: People },
  request: Request,
): Promise<Caller | null> {
  const { headers, address } = request
  const bearer = readBearer(headers.authorization)
  if (bearer !== null && isApiKeySecret(bearer))
    return toKeyHolder(keyring.recall({ secret: bearer, address }), address)
  if (bearer === null && headers.authorization !== undefined) return null
  const token = bearer ?? people.cookies.readAccess(request)
  const visitor = token === null ? null : await people.door.recall(token)
  if (visitor && bearer === null) assertMeant(people, { request, visitor })
  return toPerson(visitor, address)
}

/** Of each whether who was let in a while ago may come in still, with all the rights that they had. */
export async function areStillLetIn(reads: { readonly sql: Sql }, callers: readonly Caller[]): Promise<boolean[]> {
  const idsOf = (type: Caller['actor']['type']) =>
    callers.flatMap(({ actor, credentialId }) => (actor.type === type && credentialId !== null ? [credentialId] : []))
  const [keys, sessions] = await Promise.all([
    findGoodKeys(reads, idsOf('company')),
    findStillOpen(reads, idsOf('member')),
  ])
  const good = new Set(keys)
  const open = new Map(sessions.map(({ id, isAdmin }) => [id, isAdmin]))
  return callers.map(({ actor, credentialId, isAdmin }) => {
    if (actor.type === 'operator') return true
    const id = credentialId ?? ''
    return actor.type === 'company' ? good.has(id) : open.has(id) && (!isAdmin || open.get(id) === true)
  })
}

async function findByCookie(people: People, request: Request): Promise<Caller | null> {
  const token = people.cookies.readAccess(request)
  const visitor = token === null ? null : await people.door.find(token)
  if (visitor) assertMeant(people, { request, visitor })
  return toPerson(visitor, request.address)
}

function assertMeant(people: People, { request, visitor }: { request: Request; visitor: Visitor }): void {
  if (!people.cookies.isMeant(request, visitor.sessionId)) throw new Problem(identityProblems.csrfRefused)
}

/** What is there already is not waited for: a promise would cost each request a round of them. */
function onceThere<Answer, Result>(
  answer: Answer | Promise<Answer>,
  goOn: (answer: Answer) => Result,
): Result | Promise<Result> {
  return answer instanceof Promise ? answer.then(goOn) : goOn(answer)
}

function toKeyHolder(holder: KeyHolder | null, address: string): Caller | null {
  if (!holder) return null
  const { keyId: credentialId, companyId: id, scopes } = holder
  return { actor: { type: 'company', id }, scopes, isAdmin: false, credentialId, address }
}

function toPerson(visitor: Visitor | null, address: string): Caller | null {
  if (!visitor) return null
  const { memberId: id, sessionId: credentialId, isAdmin } = visitor
  return { actor: { type: 'member', id }, scopes: noScopes, isAdmin, credentialId, address }
}

const noScopes: readonly string[] = []
