import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Asker, openWorld, type Subject, standInFor, subjects } from './access-subjects.ts'
import { openApiHouse, operatorKey } from './api-house.ts'
import { bodyOf, fillPath, listOperations, type Operation } from './api-operations.ts'

/** What each operation is asked for; one that stands nowhere fails, and is to be put where it belongs. */
const operationsBySubject: Readonly<Record<keyof typeof subjects, readonly string[]>> = {
  nothing: [
    'advanceClock',
    'bookTransfers',
    'changeEmail',
    'changeMe',
    'changePassword',
    'createCompany',
    'createPaymentCode',
    'endSessions',
    'getMe',
    'getOwnWallet',
    'getStatistics',
    'leave',
    'listAudit',
    'listCompanies',
    'listDeadLetters',
    'listEarningRules',
    'listIdentities',
    'listMails',
    'listOwnCompanies',
    'listSessions',
    'redriveDeadLetters',
    'requestEmailConfirmation',
    'searchMembers',
    'signOut',
  ],
  session: ['endSession'],
  identity: ['linkIdentity'],
  linkedIdentity: ['getIdentity', 'unlinkIdentity'],
  operation: ['getOperation'],
  company: [
    'changeCompany',
    'changeRole',
    'createApiKey',
    'createMember',
    'createWebhookEndpoint',
    'getCompany',
    'listApiKeys',
    'listEarnings',
    'listMembers',
    'listWebhookEndpoints',
    'revokeApiKey',
    'rotateApiKey',
  ],
  deadLetter: ['discardDeadLetter', 'getDeadLetter', 'redriveDeadLetter'],
  webhookEndpoint: [
    'changeWebhookEndpoint',
    'deleteWebhookEndpoint',
    'getWebhookDelivery',
    'getWebhookEndpoint',
    'listWebhookDeliveries',
    'redriveWebhookDeliveries',
    'redriveWebhookDelivery',
    'rotateWebhookSecret',
    'testWebhookEndpoint',
  ],
  membership: ['endMembership'],
  member: ['getMember'],
  person: ['changeMemberRole', 'endMemberSessions'],
  wallet: ['getWallet', 'listLots', 'listStatement', 'movePoints'],
  chargedWallet: ['chargeWallet'],
  payingWallet: ['holdPoints', 'spendPoints'],
  code: ['lookUpPaymentCode'],
  transfer: ['getTransfer', 'refundTransfer'],
  charge: ['cancelCharge'],
  newRule: ['createEarningRule'],
  rule: ['changeEarningRule', 'getEarningRule', 'listEarningRuleVersions'],
  purchase: ['createEarning'],
  earning: ['refundEarning'],
  hold: ['getHold', 'postHold', 'voidHold'],
}

/** Whoever asks is not let in with the same credential again, so each asker has a stand-in. */
const endsItsAsker = ['changePassword', 'endSessions', 'leave', 'signOut']

/** What is asked for is gone once it was done, so each who may do it has a subject of their own. */
const endsItsSubject = [
  'deleteWebhookEndpoint',
  'discardDeadLetter',
  'endMembership',
  'linkIdentity',
  'redriveDeadLetter',
]

/** More than the example of an operation says, so that the rest of the table is asked at the same time. */
const bodies: Readonly<Record<string, object>> = { advanceClock: { advanceSeconds: 1 } }

type Outcome = 'admitted' | 401 | 403 | 404

const house = await openApiHouse(
  { after },
  { settings: { movesAcrossCompanies: true, companiesByMembers: true, rateLimits: false } },
)
const { body: document } = await house.get('/openapi.json')
const operations = listOperations(document)
const isOpen = ({ access }: Operation) => access.includes('public') || access.includes('anonymous')
const closed = operations.filter((operation) => !isOpen(operation))
const scopes = operations.find(({ id }) => id === 'createApiKey')!.fields!.scopes as { items: { enum: string[] } }
const world = await openWorld(house, scopes.items.enum)

interface Word {
  readonly tie: string
  readonly scope: string | null
}

function toWord(text: string): Word {
  const [, tie, scope] = /^([\w-]+)(?::(.+))?$/.exec(text)!
  return { tie: tie!, scope: scope ?? null }
}

/** Whether a word is for such a caller, whatever is asked for. */
function isForType({ tie, scope }: Word, { type, scopes, isAdmin }: Asker): boolean {
  if (scope !== null) return type === 'company' && scopes.includes(scope)
  if (tie === 'operator') return type === 'operator'
  return tie === 'admin' ? isAdmin : type === 'member'
}

const isForAny = ({ tie }: Word) => ['operator', 'admin', 'member'].includes(tie)

/** The words of an operation that admit somebody to a subject. */
function admitting(operation: Operation, { asker, subject }: { asker: Asker; subject: Subject }): string[] {
  const ties = subject.ties[asker.party] ?? []
  return operation.access.filter((text) => {
    const word = toWord(text)
    const isMeant = !subject.exceptWords?.includes(text)
    return isMeant && isForType(word, asker) && (isForAny(word) || ties.includes(word.tie))
  })
}

/** By the words of `x-podo-access` alone. What somebody may not do at all, or sees, is forbidden; else it is unknown. */
function expected(operation: Operation, by: { asker: Asker; subject: Subject }): Outcome {
  const { asker, subject } = by
  if (asker.type === 'nobody') return 401
  if (admitting(operation, by).length > 0) return 'admitted'
  const seesAll = (asker.type === 'operator' || asker.isAdmin) && !subject.isPrivate
  const isSeen = seesAll || (subject.ties[asker.party] ?? []).length > 0
  return isSeen || !operation.access.some((text) => isForType(toWord(text), asker)) ? 403 : 404
}

function toOutcome(status: number): Outcome | string {
  if (status === 401 || status === 403 || status === 404) return status
  return status < 500 && status !== 429 ? 'admitted' : `failed with ${status}`
}

async function ask(operation: Operation, by: { asker: Asker; subject: Subject; body: object | null }) {
  const { asker, subject, body } = by
  const credential = asker.type === 'operator' ? operatorKey : asker.credential
  const { method, path } = operation
  const headers = {
    ...(credential !== null && { authorization: `Bearer ${credential}` }),
    ...(body && { 'content-type': 'application/json' }),
  }
  const payload = body && { payload: { ...body, ...subject.body, ...bodies[operation.id] } }
  return house.server.inject({ method, url: fillPath(path, subject.ids), headers, ...payload })
}

async function findWrong(operation: Operation): Promise<string[]> {
  const kind = kindOf(operation)!
  const shared: Subject[] = await subjects[kind](world)
  const body = operation.fields && (await bodyOf(house, operation))
  const questions = shared.flatMap((subject, at) =>
    world.askers
      .filter(({ type }) => !subject.keysOnly || type === 'company' || type === 'nobody')
      .filter(({ party }) => !subject.askedBy || party === subject.askedBy)
      .map(async (asker) => {
        const want = expected(operation, { asker, subject })
        const isOwn = want === 'admitted' && endsItsSubject.includes(operation.id)
        const own = isOwn ? (await subjects[kind](world))[at]! : subject
        const present = endsItsAsker.includes(operation.id) ? await standInFor(house, asker) : asker
        const { statusCode, body: text } = await ask(operation, { asker: present, subject: own, body })
        const got = toOutcome(statusCode)
        return got === want ? [] : [`${operation.id}, ${subject.name}, ${asker.name}: ${want}, and was ${got} ${text}`]
      }),
  )
  return (await Promise.all(questions)).flat()
}

function kindOf({ id }: Operation): keyof typeof subjects | undefined {
  return (Object.keys(subjects) as (keyof typeof subjects)[]).find((kind) => operationsBySubject[kind].includes(id))
}

test('every operation stands in the table, and everything in the table is an operation', () => {
  const known = Object.values(operationsBySubject).flat()
  assert.deepEqual(known.toSorted(), closed.map(({ id }) => id).toSorted())
  const special = [...endsItsAsker, ...endsItsSubject, ...Object.keys(bodies)]
  assert.deepEqual(
    special.filter((id) => !known.includes(id)),
    [],
  )
})

test('who may do what with points is what was decided', () => {
  const ofWallet = ['operator', 'owner', 'company-owner', 'company-staff', 'key:points']
  const ofMerchant = ['merchant-owner', 'merchant-staff', 'merchant-key:points']
  const decided: Readonly<Record<string, readonly string[]>> = {
    chargeWallet: ['operator', 'admin', 'key:points', 'key:points:issue-paid'],
    spendPoints: [...ofWallet, 'code-key:points'],
    holdPoints: [...ofWallet, 'code-key:points'],
    movePoints: ofWallet,
    cancelCharge: ['operator', 'admin', 'key:points', 'key:points:issue-paid'],
    refundTransfer: ['operator', 'admin', ...ofMerchant],
    postHold: ['operator', ...ofMerchant],
    voidHold: ['operator', 'maker', 'maker-key:points', ...ofMerchant],
    createEarningRule: ['operator', 'admin', 'company-owner', 'company-key:points'],
    changeEarningRule: ['operator', 'admin', 'company-owner', 'company-key:points'],
    createEarning: ['operator', 'key:points'],
    refundEarning: ['operator', 'key:points'],
    lookUpPaymentCode: ['code-key:points'],
  }
  for (const [id, words] of Object.entries(decided))
    assert.deepEqual(operations.find((it) => it.id === id)?.access.toSorted(), words.toSorted(), id)
})

test('every operation admits whom its words admit, to what is theirs, and refuses everybody else', async () => {
  const wrong: string[] = []
  for (const operation of closed.filter(kindOf)) wrong.push(...(await findWrong(operation)))
  assert.deepEqual(wrong, [])
})

test('every word of every operation admits somebody of the table', async () => {
  const idle: string[] = []
  for (const operation of closed.filter(kindOf)) {
    const asked: Subject[] = await subjects[kindOf(operation)!](world)
    const used = asked.flatMap((subject) => world.askers.flatMap((asker) => admitting(operation, { asker, subject })))
    idle.push(...operation.access.filter((word) => !used.includes(word)).map((word) => `${operation.id} ${word}`))
  }
  assert.deepEqual(idle, [])
})

test('what is open to everybody looks at nobody’s credentials', async () => {
  const nothing = { name: 'nothing', ids: {}, ties: {} }
  for (const operation of operations.filter(isOpen)) {
    const body = operation.fields && {}
    const statuses = new Map<number, string[]>()
    for (const asker of world.askers) {
      const { statusCode } = await ask(operation, { asker, subject: nothing, body })
      statuses.set(statusCode, [...(statuses.get(statusCode) ?? []), asker.name])
    }
    const [status] = statuses.keys()
    assert.equal(statuses.size, 1, `${operation.id}: ${JSON.stringify([...statuses])}`)
    assert.ok(status! < 500 && status !== 401 && status !== 403, `${operation.id}: ${status}`)
  }
})
