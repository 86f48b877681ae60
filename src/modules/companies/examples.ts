import { toPublicId } from '#platform/ids'

const uuid = '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0'
const createdAt = '2026-11-20T09:00:00.000Z'

const company = {
  id: toPublicId('cmp', `${uuid}1`),
  name: 'Podo Coffee',
  registrationNumber: '123-45-67891',
  feeRate: 0.025,
  onOverload: 'refuse',
  wallet: { id: toPublicId('wlt', `${uuid}3`) },
  createdAt,
}

const member = {
  id: toPublicId('mem', `${uuid}1`),
  companyId: company.id,
  externalId: 'customer-42',
  nickname: 'Grape',
  email: 'grape@example.com',
  birthOn: null,
  bio: null,
  role: 'MEMBER',
  wallet: { id: toPublicId('wlt', `${uuid}1`) },
  createdAt,
}

const found = {
  ...member,
  companyId: null,
  externalId: null,
  nickname: '포도송이',
  email: null,
  bio: '커피와 챌린지를 좋아해요.',
  role: null,
  wallet: null,
}

const apiKey = {
  id: toPublicId('key', `${uuid}4`),
  name: 'till 1',
  prefix: 'podo_sk_h3Xw9a',
  secret: 'podo_sk_h3Xw9a…',
  scopes: ['read', 'points'],
  networks: null,
  createdAt,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  successorId: null,
}

/** What the API page shows of the keys that companies call with. */
export const apiKeyExamples = {
  createApiKey: { body: { name: apiKey.name, scopes: apiKey.scopes }, answer: apiKey },
  rotateApiKey: { body: { overlapSeconds: 3_600 }, answer: { ...apiKey, id: toPublicId('key', `${uuid}5`) } },
  listApiKeys: { answer: { items: [{ ...apiKey, secret: null }], nextCursor: null } },
}

/** What the API page shows of companies and their members: the café and the wallet of the story that points tell. */
export const examples = {
  createCompany: {
    body: { name: company.name, registrationNumber: company.registrationNumber, feeRate: company.feeRate },
    answer: company,
  },
  listCompanies: { answer: { items: [company], nextCursor: null } },
  getCompany: { answer: company },
  changeCompany: { body: { onOverload: 'queue' }, answer: { ...company, onOverload: 'queue' } },
  createMember: {
    body: { nickname: member.nickname, email: member.email, externalId: member.externalId },
    answer: member,
  },
  listMembers: { answer: { items: [member], nextCursor: null } },
  getMember: { answer: member },
  listOwnCompanies: {
    answer: { items: [{ id: company.id, name: company.name, role: 'STAFF', since: createdAt }], nextCursor: null },
  },
  leave: { body: { currentPassword: '보라색 포도 다섯 송이', giveUpPaidPoints: true } },
  searchMembers: { answer: { items: [found], nextCursor: null } },
  changeRole: { body: { role: 'STAFF' }, answer: { ...member, role: 'STAFF' } },
}
