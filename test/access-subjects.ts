import assert from 'node:assert/strict'
import type { Api, ApiHouse, Body, Caller, Person } from './api-house.ts'
import { comeBack, linkKakao, makeOperation } from './api-operations.ts'
import { makeDeadLetter } from './dead-letters.ts'
import { makeEndpoint } from './webhook-endpoints.ts'

/** Somebody who asks, or tries to. */
export interface Asker {
  readonly name: string
  /** As what subjects know them: several keys of a company are one party. */
  readonly party: string
  readonly type: 'operator' | 'member' | 'company' | 'nobody'
  /** Null for none at all. */
  readonly credential: string | null
  readonly scopes: readonly string[]
  readonly isAdmin: boolean
}

/** Something that is asked for. */
export interface Subject {
  readonly name: string
  readonly ids: Readonly<Record<string, string>>
  /** What each party is to it; to others it is somebody else's. */
  readonly ties: Readonly<Record<string, readonly string[]>>
  /** What the request says beside the example of its operation. */
  readonly body?: object
  /** Words of `x-podo-access` that are not for this subject, or not for such a request; only who sees it is told. */
  readonly exceptWords?: readonly string[]
  /** Where only keys can ask so. */
  readonly keysOnly?: boolean
  /** Where only this party asks. */
  readonly askedBy?: string
  /** Not even administrators see it. */
  readonly isPrivate?: boolean
}

/** Everybody who asks, and what there is to ask for. */
export interface World {
  readonly house: ApiHouse
  readonly people: Readonly<Record<string, Person>>
  readonly companies: Readonly<Record<string, { readonly id: string; readonly walletId: string }>>
  readonly askers: readonly Asker[]
  /** A wallet of a member whom the company `home` made. */
  readonly memberWalletId: string
}

/** Who signs in, and where they serve: `home` is the payer's company, `shop` the merchant, `gift` has the receiver. */
const people: Readonly<Record<string, { company: string; role: string } | null>> = {
  owner: null,
  friend: null,
  stranger: null,
  admin: null,
  'OWNER of home': { company: 'home', role: 'OWNER' },
  'STAFF of home': { company: 'home', role: 'STAFF' },
  'another member of home': { company: 'home', role: 'MEMBER' },
  'OWNER of shop': { company: 'shop', role: 'OWNER' },
  'STAFF of shop': { company: 'shop', role: 'STAFF' },
  'STAFF of gift': { company: 'gift', role: 'STAFF' },
  'OWNER of elsewhere': { company: 'elsewhere', role: 'OWNER' },
}

/** Every company that has keys: with each scope alone, and with all of them. */
const companies = ['home', 'shop', 'gift', 'elsewhere'] as const

export async function openWorld(house: ApiHouse, scopes: readonly string[]): Promise<World> {
  const powerless = await listPowerless(house)
  const made: Record<string, { id: string; walletId: string }> = {}
  for (const name of companies) made[name] = await house.company()
  const signedIn: Record<string, Person> = {}
  for (const [name, serves] of Object.entries(people)) {
    const person = await house.person()
    signedIn[name] = person
    if (serves) await give(house, `/v1/companies/${made[serves.company]!.id}/members/${person.id}/role`, serves.role)
  }
  await give(house, `/v1/members/${signedIn.admin!.id}/role`, 'ADMIN')
  const keys: Asker[] = []
  for (const name of companies) {
    const sets = name === 'elsewhere' ? [scopes] : [...scopes.map((scope) => [scope]), scopes]
    for (const set of sets) {
      const credential = await house.apiKey(made[name]!.id, { scopes: set })
      keys.push({
        ...nobody,
        name: `key of ${name} with ${set}`,
        party: `key of ${name}`,
        type: 'company',
        credential,
        scopes: set,
      })
    }
  }
  const { walletId: memberWalletId } = await house.member(made.home!.id)
  for (const walletId of [memberWalletId, made.home!.walletId, signedIn.owner!.walletId])
    assert.equal((await house.charge(walletId, 1_000_000)).status, 201)
  const operator = { ...nobody, name: 'operator', party: 'operator', type: 'operator' as const }
  const persons = Object.entries(signedIn).map(([name, { accessToken }]) => toAsker(name, accessToken))
  return {
    house,
    people: signedIn,
    companies: made,
    memberWalletId,
    askers: [operator, ...persons, ...keys, ...powerless],
  }
}

const nobody = { type: 'nobody', credential: null, scopes: [], isAdmin: false } as const

function toAsker(name: string, credential: string): Asker {
  return { ...nobody, name, party: name, type: 'member', credential, isAdmin: name === 'admin' }
}

/** The same asker as somebody who has just signed up, for what ends their session or their account. */
export async function standInFor(house: ApiHouse, asker: Asker): Promise<Asker> {
  if (asker.type !== 'member') return asker
  const person = await house.person()
  if (asker.isAdmin) await give(house, `/v1/members/${person.id}/role`, 'ADMIN')
  return { ...asker, credential: person.accessToken }
}

async function give(house: ApiHouse, path: string, role: string): Promise<void> {
  const { status, text } = await house.put(path, { role })
  assert.equal(status, 200, text)
}

/** Whose credentials let nobody in. The clock goes on for some of them, so they come first. */
async function listPowerless(house: ApiHouse): Promise<Asker[]> {
  const { id } = await house.company()
  const keys = `/v1/companies/${id}/api-keys`
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
  const expiredKey = await house.apiKey(id, { expiresAt: inAnHour })
  const expired = await house.person()
  await house.post('/v1/sandbox/clock', { advanceSeconds: 7_200 })
  const revokedKey = (await house.post(keys, { name: 'to be revoked' })).body
  assert.equal((await house.delete(`${keys}/${revokedKey.id}`)).status, 204)
  const signedOut = await house.person()
  assert.equal((await signedOut.delete('/v1/sessions/current')).status, 204)
  const credentials = {
    anonymous: null,
    'a wrong token': 'nobody',
    'an expired token': expired.accessToken,
    'a signed-out token': signedOut.accessToken,
    'a revoked key': revokedKey.secret,
    'an expired key': expiredKey,
  }
  return Object.entries(credentials).map(([name, credential]) => ({ ...nobody, name, party: name, credential }))
}

const ofHomeWallet = { 'OWNER of home': ['home-owner'], 'STAFF of home': ['home-staff'], 'key of home': ['key'] }
const ofHomeOwn = { 'OWNER of home': ['company-owner'], 'STAFF of home': ['company-staff'], 'key of home': ['key'] }
const ofHome = { ...ofHomeOwn, 'another member of home': ['company-member'] }
const ofRule = {
  'OWNER of home': ['reader', 'company-owner'],
  'STAFF of home': ['reader'],
  'another member of home': ['company-member'],
  'key of home': ['reader-key', 'company-key'],
}
const ofShop = {
  'OWNER of shop': ['merchant-owner'],
  'STAFF of shop': ['merchant-staff'],
  'key of shop': ['merchant-key'],
}
const ofKey = { 'key of home': ['key'] }
const toSubject = (name: string, ids: Subject['ids'], ties: Subject['ties']): Subject => ({ name, ids, ties })
const everyKey = (tie: string) => Object.fromEntries(companies.map((name) => [`key of ${name}`, [tie]]))

/** Words for bringing in points of one class and not of the other, and for taking them back. */
const ofBonus = ['admin', 'key:points']
const ofPaid = ['key:points:issue-paid']

/** Every kind of subject; what is made new for each question is made by a function. */
export const subjects = {
  /** What is nobody's in particular, or of whoever asks. */
  nothing: async () => [{ name: 'nothing', ids: {}, ties: everyKey('key') }],
  session: async ({ house, people }) => {
    const { email, password } = people.owner!
    const own = house.as((await house.as(null).post('/v1/sessions', { email, password })).body.accessToken)
    const { items } = (await own.get('/v1/sessions')).body
    const ids = { id: items.find(({ isCurrent }: Body) => isCurrent).id }
    return [{ name: 'session', ids, ties: { owner: ['owner'] }, isPrivate: true }]
  },
  /** What somebody comes back with from a provider; whoever asks links it. */
  identity: async ({ house }) => [
    { name: 'identity', ids: { provider: 'naver' }, ties: {}, body: await comeBack(house, 'naver') },
  ],
  /** Everybody has one, and may have removed it. */
  linkedIdentity: async ({ house, people }) => {
    const path = '/v1/me/identities/kakao'
    for (const person of Object.values(people)) {
      if ((await person.get(path)).status === 404) await linkKakao(house, person)
    }
    return [{ name: 'linked identity', ids: { provider: 'kakao' }, ties: {} }]
  },
  company: async (world) => [await companyOf(world)],
  operation: async ({ house, people, companies, memberWalletId }) => {
    const { owner } = people
    const key = house.as(await house.apiKey(companies.home!.id, { scopes: ['points'] }))
    const own = { id: await makeOperation(house, owner!, owner!.walletId) }
    const keys = { id: await makeOperation(house, key, memberWalletId) }
    return [toSubject('operation of a person', own, { owner: ['asker'] }), toSubject('operation of a key', keys, ofKey)]
  },
  deadLetter: async ({ house }) => [{ name: 'dead letter', ids: { id: await makeDeadLetter(house) }, ties: {} }],
  webhookEndpoint: async ({ house, companies }) => [
    { name: 'webhook endpoint', ids: await makeEndpoint(house, companies.home!.id), ties: ofHome },
  ],
  membership: async (world) => {
    const { id } = world.companies.elsewhere!
    const { stranger } = world.people
    await give(world.house, `/v1/companies/${id}/members/${stranger!.id}/role`, 'MEMBER')
    const ids = { id, memberId: stranger!.id }
    const own = { name: 'own membership', ids, ties: { stranger: ['owner', 'company-member'] }, askedBy: 'stranger' }
    return [await companyOf(world), own]
  },
  member: async ({ house, companies }) => {
    const { id } = await house.member(companies.home!.id)
    const made = { name: "a company's member", ids: { id }, ties: ofHomeOwn, exceptWords: ['member'] }
    return [made, await personOf(house)]
  },
  person: async ({ house }) => [await personOf(house)],
  wallet: async (world) => walletsOf(world),
  /** Points are charged as bonus or as paid, which are not for the same callers. */
  chargedWallet: async (world) =>
    walletsOf(world).flatMap((wallet) => [
      { ...wallet, body: { class: 'bonus' }, exceptWords: ofPaid },
      { ...wallet, body: { class: 'paid' }, exceptWords: ofBonus },
    ]),
  /** A wallet that is spent from, without a payment code and with one. */
  payingWallet: async (world) => {
    const paymentCode = await codeOf(world)
    const merchantId = world.companies.shop!.id
    return [
      ...walletsOf(world).map((wallet) => ({ ...wallet, body: { merchantId } })),
      {
        name: 'wallet with its payment code',
        ids: { id: world.people.owner!.walletId },
        ties: everyKey('code-key'),
        body: { paymentCode },
        keysOnly: true,
      },
    ]
  },
  code: async (world) => [
    { name: 'payment code', ids: {}, ties: everyKey('code-key'), body: { code: await codeOf(world) } },
  ],
  transfer: async (world) => {
    const { house, people, companies, memberWalletId } = world
    const own = await keyOfHome(world)
    const { owner, friend } = people
    const atShop = { amount: 10, merchantId: companies.shop!.id }
    const { walletId: received } = await house.member(companies.gift!.id)
    const made = (by: Pick<Caller, 'post'>, walletId: string, what: string, body: object) =>
      idOf(by, `/v1/wallets/${walletId}/${what}`, body)
    const ofOwner = { owner: ['owner'] }
    return [
      {
        name: "spend of a company's member",
        ids: await made(own, memberWalletId, 'spends', atShop),
        ties: { ...ofHomeWallet, ...ofShop },
      },
      {
        name: 'spend of a person',
        ids: await made(owner!, owner!.walletId, 'spends', atShop),
        ties: { ...ofOwner, ...ofShop },
      },
      {
        name: 'spend of a company',
        ids: await made(own, companies.home!.walletId, 'spends', atShop),
        ties: { ...ofHomeOwn, ...ofShop },
      },
      {
        name: 'gift to a person',
        ids: await made(own, memberWalletId, 'moves', { amount: 10, toWalletId: friend!.walletId }),
        ties: { ...ofHomeWallet, friend: ['receiver'] },
      },
      {
        name: "gift to a company's member",
        ids: await made(owner!, owner!.walletId, 'moves', { amount: 10, toWalletId: received }),
        ties: { ...ofOwner, 'STAFF of gift': ['receiver-staff'], 'key of gift': ['receiver-key'] },
      },
      {
        name: 'charge',
        ids: await made(own, memberWalletId, 'charges', { amount: 10, class: 'bonus' }),
        ties: ofHomeWallet,
      },
    ]
  },
  /** Charges of bonus and of paid points, which are not taken back by the same callers. */
  charge: async (world) => {
    const charged = (kind: string) =>
      idOf(world.house, `/v1/wallets/${world.memberWalletId}/charges`, { amount: 10, class: kind })
    return [
      { name: 'charge of bonus points', ids: await charged('bonus'), ties: ofHomeWallet, exceptWords: ofPaid },
      { name: 'charge of paid points', ids: await charged('paid'), ties: ofHomeWallet, exceptWords: ofBonus },
    ]
  },
  /** A rule of a company, before it is made. */
  newRule: async ({ companies }) => [
    { name: 'rule to be', ids: {}, ties: ofRule, body: { companyId: companies.home!.id } },
  ],
  /** What is earned by the rules of the programme is nobody's secret. */
  rule: async (world) => {
    const everyPerson = Object.fromEntries(Object.keys(people).map((name) => [name, ['reader']]))
    return [
      { name: 'rule of a company', ids: { id: await ruleOfHome(world) }, ties: ofRule },
      {
        name: 'rule of the programme',
        ids: await idOf(world.house, '/v1/earning-rules', { rateBasisPoints: 100, from: '2999-01-01T00:00:00Z' }),
        ties: { ...everyPerson, ...everyKey('reader-key') },
      },
    ]
  },
  purchase: async (world) => {
    await ruleOfHome(world)
    const { ids, ...company } = await companyOf(world)
    return [{ ...company, ids, body: { memberId: ids.memberId } }]
  },
  earning: async (world) => {
    await ruleOfHome(world)
    const { ids, ...company } = await companyOf(world)
    const body = { memberId: ids.memberId, amount: 10_000, reference: ids.memberId }
    const { id: earningId } = await idOf(world.house, `/v1/companies/${ids.id}/earnings`, body)
    return [{ ...company, name: 'earning', ids: { ...ids, earningId } }]
  },
  hold: async (world) => {
    const { people, companies, memberWalletId } = world
    const atShop = { amount: 10, merchantId: companies.shop!.id }
    const { owner } = people
    return [
      {
        name: "hold by a company's key",
        ids: await idOf(await keyOfHome(world), `/v1/wallets/${memberWalletId}/holds`, atShop),
        ties: { ...ofHomeWallet, ...ofShop, 'key of home': ['key', 'maker-key'] },
      },
      {
        name: 'hold by a person',
        ids: await idOf(owner!, `/v1/wallets/${owner!.walletId}/holds`, atShop),
        ties: { ...ofShop, owner: ['owner', 'maker'] },
      },
      {
        name: "hold in a company's wallet",
        ids: await idOf(people['OWNER of home']!, `/v1/wallets/${companies.home!.walletId}/holds`, atShop),
        ties: { ...ofHomeOwn, ...ofShop, 'OWNER of home': ['company-owner', 'maker'] },
      },
    ]
  },
} satisfies Record<string, (world: World) => Promise<Subject[]>>

async function personOf(house: ApiHouse): Promise<Subject> {
  return { name: 'person', ids: { id: (await house.person()).id }, ties: {} }
}

async function companyOf({ house, companies }: World): Promise<Subject> {
  const { id } = companies.home!
  const staff = await house.person()
  await give(house, `/v1/companies/${id}/members/${staff.id}/role`, 'STAFF')
  const keyId = (await house.post(`/v1/companies/${id}/api-keys`, { name: 'A key' })).body.id
  return { name: 'company', ids: { id, memberId: staff.id, keyId }, ties: ofHome }
}

function walletsOf({ memberWalletId, companies, people }: World): Subject[] {
  return [
    { name: "wallet of a company's member", ids: { id: memberWalletId }, ties: ofHomeWallet },
    { name: 'wallet of a person', ids: { id: people.owner!.walletId }, ties: { owner: ['owner'] } },
    { name: 'wallet of a company', ids: { id: companies.home!.walletId }, ties: ofHomeOwn },
  ]
}

async function ruleOfHome({ house, companies }: World): Promise<string> {
  return (await idOf(house, '/v1/earning-rules', { companyId: companies.home!.id, rateBasisPoints: 100 })).id
}

async function keyOfHome({ house, companies }: World): Promise<Caller> {
  return house.as(await house.apiKey(companies.home!.id, { scopes: ['points'] }))
}

async function codeOf({ people }: World): Promise<string> {
  return (await people.owner!.post('/v1/me/payment-codes')).body.code
}

async function idOf(by: Pick<Api, 'post'>, path: string, body: object): Promise<{ id: string }> {
  const answer = await by.post(path, body)
  assert.equal(answer.status, 201, answer.text)
  return { id: answer.body.id }
}
