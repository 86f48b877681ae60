import type { FastifyRequest } from 'fastify'
import type { Caller } from '#platform/access'
import { readBearer } from '#platform/http-headers'
import { Problem } from '#platform/problem'
import { isApiKeySecret, type KeyHolder, type Keyring } from './api-keys/api-keys.ts'
import type { People } from './people.ts'
import { identityProblems } from './problems.ts'
import type { Visitor } from './sessions/door.ts'

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

async function findByCookie(people: People, request: Request): Promise<Caller | null> {
  const token = people.cookies.readAccess(request)
  const visitor = token === null ? null : await people.door.find(token)
  if (visitor && !people.cookies.isMeant(request, visitor.sessionId)) throw new Problem(identityProblems.csrfRefused)
  return toPerson(visitor, request.address)
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
