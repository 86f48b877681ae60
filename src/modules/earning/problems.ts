import { defineProblems } from '#platform/problem'

/** How earning refuses. */
export const earningProblems = defineProblems('earning', {
  ruleUnknown: {
    status: 404,
    title: { ko: '적립 규칙을 찾을 수 없습니다', en: 'No such earning rule' },
    detail: { ko: '적립 규칙 ID를 확인해 주십시오.', en: 'Check the id of the rule.' },
  },
  earningUnknown: {
    status: 404,
    title: { ko: '적립 내역을 찾을 수 없습니다', en: 'No such earning' },
    detail: { ko: '적립 내역 ID를 확인해 주십시오.', en: 'Check the id of the earning.' },
  },
  noRule: {
    status: 409,
    title: { ko: '적용할 적립 규칙이 없습니다', en: 'No rule is in force' },
    detail: {
      ko: '지금 이 회사나 프로그램에 시행 중인 적립 규칙이 없습니다. 규칙을 먼저 만드십시오.',
      en: 'Neither the company nor the programme has a rule in force now. Make one first.',
    },
  },
  referenceUsed: {
    status: 409,
    title: { ko: '이미 적립한 구매입니다', en: 'The purchase has earned already' },
    detail: {
      ko: '같은 reference의 구매는 {earningId}에서 이미 적립했습니다.',
      en: 'The purchase of this reference has earned before: see {earningId}.',
    },
  },
  memberNotOfCompany: {
    status: 400,
    title: { ko: '이 회사의 회원이 아닙니다', en: 'Not a member of the company' },
    detail: {
      ko: '회사가 만든 회원이나 회사에 속한 사람을 memberId로 보내 주십시오.',
      en: 'Send as memberId a member whom the company made, or a person who belongs to it.',
    },
  },
  refundTooLarge: {
    status: 409,
    title: { ko: '환불 가능한 금액을 넘습니다', en: 'More than is left to refund' },
    detail: {
      ko: '이 구매에서 환불할 수 있는 금액은 {refundable}입니다.',
      en: 'Of this purchase {refundable} is left to refund.',
    },
  },
  notByReference: {
    status: 409,
    title: { ko: '포인트 사용으로 생긴 적립입니다', en: 'It was earned by spending points' },
    detail: {
      ko: '포인트 사용을 환불하면 적립도 함께 회수됩니다. 사용 거래를 환불해 주십시오.',
      en: 'What it earned is taken back when the spend itself is refunded. Refund that.',
    },
  },
})
