import type { FastifyRequest } from 'fastify'
import type { Caller } from '#platform/access'
import { readBearer } from '#platform/http-headers'
import { Problem } from '#platform/problem'
import { isApiKeySecret, type Keyring } from './api-keys/api-keys.ts'
import type { People } from './people.ts'
import { identityProblems } from './problems.ts'

type Request = Pick<FastifyRequest, 'headers' | 'method' | 'address'>

/**
 * Who sent a request: the company whose key it has, or the person whose access token, in the header or as a cookie.
 * Null where nobody is let in. Throws `csrfRefused` for a request by cookie that no page of ours shows to have meant.
 */
export function findCaller(
  { keyring, people }: { keyring: Keyring; people: People },
  request: Request,
): Promise<Caller | null> | null {
  const { headers, address } = request
  const bearer = readBearer(headers.authorization)
  if (bearer !== null) {
    const isKey = isApiKeySecret(bearer)
    return isKey ? findKeyHolder(keyring, { secret: bearer, address }) : findPerson(people, { token: bearer, address })
  }
  const token = headers.authorization === undefined ? people.cookies.readAccess(request) : null
  if (token === null) return null
  return findPerson(people, { token, address }).then((caller) => meant(caller, { people, request }))
}

function meant(caller: Caller | null, { people, request }: { people: People; request: Request }): Caller | null {
  const isMeant = caller === null || people.cookies.isMeant(request, caller.credentialId!)
  if (!isMeant) throw new Problem(identityProblems.csrfRefused)
  return caller
}

async function findKeyHolder(keyring: Keyring, use: { secret: string; address: string }): Promise<Caller | null> {
  const holder = await keyring.find(use)
  if (!holder) return null
  const { keyId: credentialId, companyId: id, scopes } = holder
  return { actor: { type: 'company', id }, scopes, isAdmin: false, credentialId, address: use.address }
}

async function findPerson(people: People, by: { token: string; address: string }): Promise<Caller | null> {
  const visitor = await people.door.find(by.token)
  if (!visitor) return null
  const { memberId: id, sessionId: credentialId, isAdmin } = visitor
  return { actor: { type: 'member', id }, scopes: noScopes, isAdmin, credentialId, address: by.address }
}

const noScopes: readonly string[] = []
