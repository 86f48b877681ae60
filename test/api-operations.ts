import assert from 'node:assert/strict'
import { type ApiHouse, type Body, type Caller, type Person, registrationNumberOf } from './api-house.ts'
import { makeDeadLetter } from './dead-letters.ts'
import { until } from './harness.ts'
import { toConsent } from './social-house.ts'
import { makeEndpoint } from './webhook-endpoints.ts'

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** An operation as the API document describes it. */
export interface Operation {
  readonly id: string
  readonly method: Method
  /** With `{name}` where an id stands. */
  readonly path: string
  /** Words of `x-podo-access`. */
  readonly access: readonly string[]
  /** The word of what bounds it beside the general limits; null without one. */
  readonly limits: string | null
  readonly takesKey: boolean
  readonly takesQuery: boolean
  /** The fields of its body, each with its schema; null where it takes none. */
  readonly fields: Readonly<Record<string, { readonly type?: string | string[]; readonly format?: string }>> | null
  readonly example: object
  /** Every status that it may answer. */
  readonly statuses: readonly number[]
}

/** What is sent to an operation. */
export interface Request {
  readonly method: Method
  /** Who asks; the operator where nobody is named. */
  readonly credential?: string
  readonly url: string
  readonly ids: Readonly<Record<string, string>>
  readonly body?: Body
}

export function listOperations(document: Body): Operation[] {
  return Object.entries<Body>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Body>(methods).map(([method, { operationId, parameters = [], requestBody, responses, ...more }]) => {
      const { schema, example = {} } = requestBody?.content['application/json'] ?? {}
      const has = (place: string, name = /./) => parameters.some((it: Body) => it.in === place && name.test(it.name))
      return {
        id: operationId,
        method: method.toUpperCase() as Method,
        path,
        access: more['x-podo-access'],
        limits: more['x-podo-limits'] ?? null,
        takesKey: has('header', /^Idempotency-Key$/),
        takesQuery: has('query'),
        fields: requestBody ? (schema.properties ?? {}) : null,
        example,
        statuses: Object.keys(responses).map(Number),
      }
    }),
  )
}

/** Every route that the server has, in the document or not: `GET /v1/wallets/{id}`. */
export function listRoutes({ server }: ApiHouse): { method: Method; path: string }[] {
  const parents: string[] = []
  return server
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, branch, part, methods] = /^([│├└─ ]+)(\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
      if (branch === undefined || part === undefined) return []
      const depth = branch.length / 4
      parents.splice(depth - 1, Number.POSITIVE_INFINITY, part)
      const path = parents.join('').replace(/:(\w+)/g, '{$1}')
      return (methods?.split(', ') ?? []).map((method) => ({ method: method as Method, path }))
    })
}

/** A request that succeeds, each time with an effect of its own. */
export async function rightRequest(house: ApiHouse, operation: Operation): Promise<Request> {
  const { method, path, fields, example, access } = operation
  const isForPeople = !access.includes('operator') && access.some((word) => word === 'member' || word === 'owner')
  const isForKeys = access.every((word) => word.includes(':'))
  const person =
    isForPeople || /signIn|refreshSession|resetPassword|confirmEmail/.test(operation.id) ? await house.person() : null
  const ids = person ? await makeOwnSubjects(house, { person, method, path }) : await makeSubjects(house, path)
  return {
    method,
    url: fillPath(path, ids),
    ids,
    ...(isForPeople && { credential: person!.accessToken }),
    ...(isForKeys && { credential: await house.apiKey((await house.company()).id) }),
    ...(fields && {
      body: { ...example, ...(await freshFields(house, { example, person, path })), ...ownFields(ids, fields) },
    }),
  }
}

/** The body of a request that succeeds where it need not be of a certain person. */
export async function bodyOf(house: ApiHouse, { example, path }: Operation): Promise<object> {
  const person = 'currentPassword' in example ? await house.person() : null
  return { ...example, ...(await freshFields(house, { example, person, path })) }
}

/** What the ids of a path name that is somebody's own. */
async function makeOwnSubjects(
  house: ApiHouse,
  { person, method, path }: { person: Person; method: Method; path: string },
): Promise<Record<string, string>> {
  if (!path.includes('{')) return {}
  if (path.includes('{token}')) return { token: await linkOf(house, { person, path }) }
  if (path.includes('{provider}')) {
    if (method !== 'POST') await linkKakao(house, person)
    return { provider: 'kakao' }
  }
  return { id: (await person.get('/v1/sessions')).body.items[0].id }
}

export async function linkKakao(house: ApiHouse, { post, password: currentPassword }: Person): Promise<void> {
  const { status, text } = await post('/v1/me/identities/kakao', {
    ...(await comeBack(house, 'kakao')),
    currentPassword,
  })
  assert.equal(status, 201, text)
}

/** The token of the link that was sent to somebody, for this path. */
async function linkOf(house: ApiHouse, { person, path }: { person: Person; path: string }): Promise<string> {
  const { email, password: currentPassword } = person
  const isReset = path.startsWith('/v1/password-resets/')
  const isChange = path.startsWith('/v1/email-changes/')
  const to = isChange ? `moved.${email}` : email
  if (isReset) await house.post('/v1/password-resets', { email })
  if (isChange) await person.put('/v1/me/email', { email: to, currentPassword })
  const page = isReset ? 'reset' : isChange ? 'email' : 'confirm'
  return until('the mail was sent', async () => {
    const tokens = (await house.mails(to)).map(({ text }) => new RegExp(`/account/${page}#([\\w-]+)`).exec(text)?.[1])
    return tokens.find((token) => token !== undefined)
  })
}

export function fillPath(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? name)
}

/** What a body names beside its path, and has to belong to what that names. */
function ownFields(ids: Readonly<Record<string, string>>, fields: object): object {
  return 'memberId' in fields && ids.memberId ? { memberId: ids.memberId } : {}
}

/** What the ids of a path name: made for one request. */
async function makeSubjects(house: ApiHouse, path: string): Promise<Record<string, string>> {
  if (!path.includes('{')) return {}
  if (path.startsWith('/v1/ops/dead-letters/')) return { id: await makeDeadLetter(house) }
  if (/^\/v1\/members\/{id}\/(role|sessions)$/.test(path)) return { id: (await house.person()).id }
  if (path.startsWith('/v1/companies/') || path.startsWith('/v1/members/')) {
    const company = await house.company()
    if (path.includes('{endpointId}')) return makeEndpoint(house, company.id)
    if (path.endsWith('/members/{memberId}')) return { id: company.id, memberId: await makeStaff(house, company.id) }
    const member = await house.member(company.id)
    if (path.startsWith('/v1/members/')) return { id: member.id }
    const ids = { id: company.id, memberId: member.id }
    if (path.includes('/earnings')) return makeEarning(house, ids)
    if (!path.includes('{keyId}')) return ids
    const { body: key } = await house.post(`/v1/companies/${company.id}/api-keys`, { name: 'A key' })
    return { ...ids, keyId: key.id }
  }
  if (path.startsWith('/v1/operations/')) return { id: await makeOperation(house, house) }
  if (path.startsWith('/v1/earning-rules/')) return { id: await makeRule(house, null) }
  const wallet = await house.wallet('somebody', 10_000)
  if (path.startsWith('/v1/wallets/')) return { id: wallet }
  const hold = () => house.post(`/v1/wallets/${wallet}/holds`, { amount: 2_000 })
  const isHold = path.startsWith('/v1/holds/')
  const made = isHold ? hold() : path.endsWith('/cancellation') ? house.charge(wallet, 1) : house.spend(wallet, 3_000)
  return { id: (await made).body.id }
}

/** The id of an operation that somebody asks for. */
export async function makeOperation(house: ApiHouse, by: Pick<Caller, 'post'>, walletId?: string): Promise<string> {
  const path = `/v1/wallets/${walletId ?? (await house.wallet('somebody', 10_000))}/spends`
  const { status, body, text } = await by.post(path, { amount: 1 }, { prefer: 'respond-async' })
  assert.equal(status, 202, text)
  return body.id
}

async function makeRule(house: ApiHouse, companyId: string | null): Promise<string> {
  const { body } = await house.post('/v1/earning-rules', { companyId, rateBasisPoints: 100 })
  return body.id
}

async function makeEarning(house: ApiHouse, ids: { id: string; memberId: string }): Promise<Record<string, string>> {
  await makeRule(house, ids.id)
  const body = { memberId: ids.memberId, amount: 10_000, reference: 'an order' }
  const { body: earning } = await house.post(`/v1/companies/${ids.id}/earnings`, body)
  return { ...ids, earningId: earning.id }
}

/** The id of somebody who signed up and serves in a company. */
async function makeStaff(house: ApiHouse, companyId: string): Promise<string> {
  const { id } = await house.person()
  await house.put(`/v1/companies/${companyId}/members/${id}/role`, { role: 'STAFF' })
  return id
}

let numbers = 900_000

/** In place of what an example only makes up, or what may be taken once. */
async function freshFields(
  house: ApiHouse,
  { example, person, path }: { example: object; person: Person | null; path: string },
): Promise<object> {
  numbers += 1
  return {
    ...('state' in example && (await comeBack(house, /kakao|naver|google/.exec(path)?.[0] ?? 'kakao'))),
    ...('registrationNumber' in example && { registrationNumber: registrationNumberOf(numbers) }),
    ...('toWalletId' in example && { toWalletId: await house.wallet('a friend') }),
    ...('code' in example &&
      !('state' in example) && { code: (await (await house.person()).post('/v1/me/payment-codes')).body.code }),
    ...('expiresAt' in example && { expiresAt: '2999-12-31T15:00:00Z' }),
    ...('email' in example && 'nickname' in example && { email: `fresh${numbers}@example.com` }),
    ...('birthOn' in example && { nickname: `새 사람 ${numbers}` }),
    ...(person && 'email' in example && { email: person.email }),
    ...(person && 'refreshToken' in example && { refreshToken: person.refreshToken }),
    ...(person && 'currentPassword' in example && { currentPassword: person.password }),
  }
}

/** What a person comes back with from the stand-in inside, each time another. */
export async function comeBack({ as, server }: ApiHouse, provider: string): Promise<{ code: string; state: string }> {
  numbers += 1
  const { url, form } = toConsent((await as(null).get(`/v1/sessions/${provider}/authorize`)).body.url, {
    person: numbers,
  })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const path = new URL(url).pathname
  const sent = await server.inject({ method: 'POST', url: path, headers, payload: form.toString() })
  const { searchParams } = new URL(String(sent.headers.location))
  return { code: searchParams.get('code')!, state: searchParams.get('state')! }
}
