import { toPublicId } from '#platform/ids'

const uuid = '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0'
const createdAt = '2026-11-20T09:00:00.000Z'

const rule = {
  id: toPublicId('rul', `${uuid}1`),
  companyId: null,
  version: 1,
  rateBasisPoints: 100,
  minimum: 1_000,
  capPerDay: 5_000,
  expiresInDays: 365,
  from: null,
  until: null,
  since: createdAt,
  createdAt,
}
const changed = { ...rule, version: 2, rateBasisPoints: 200, since: '2026-12-01T00:00:00.000Z' }
const { rateBasisPoints, minimum, capPerDay, expiresInDays } = rule

/** What the API page shows of rules. */
export const ruleExamples = {
  createEarningRule: { body: { rateBasisPoints, minimum, capPerDay, expiresInDays }, answer: rule },
  changeEarningRule: { body: { rateBasisPoints: changed.rateBasisPoints }, answer: changed },
  listEarningRules: { answer: { items: [changed], nextCursor: null } },
  getEarningRule: { answer: changed },
  listEarningRuleVersions: { answer: { items: [changed, rule], nextCursor: null } },
}

const earning = {
  id: toPublicId('ern', `${uuid}1`),
  companyId: toPublicId('cmp', `${uuid}1`),
  walletId: toPublicId('wlt', `${uuid}1`),
  memberId: toPublicId('mem', `${uuid}1`),
  spendId: null,
  reference: 'receipt-1042',
  amount: 12_500,
  refunded: 0,
  earned: 125,
  takenBack: 0,
  transferId: toPublicId('trf', `${uuid}8`),
  rule: { id: rule.id, version: 1 },
  refusal: null,
  createdAt,
}

/** What the API page shows of purchases and what they earned. */
export const earningExamples = {
  createEarning: {
    body: { memberId: earning.memberId, amount: earning.amount, reference: earning.reference },
    answer: earning,
  },
  refundEarning: { body: { amount: 5_000 }, answer: { ...earning, refunded: 5_000, takenBack: 50 } },
  listEarnings: { answer: { items: [earning], nextCursor: null } },
}
