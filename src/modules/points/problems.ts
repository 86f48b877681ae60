import { defineProblems } from '#platform/problem'

/** How wallets and points refuse, beyond what the ledger refuses. */
export const pointsProblems = defineProblems('points', {
  merchantRequired: {
    status: 400,
    title: { ko: '가맹점을 지정해야 합니다', en: 'A merchant must be named' },
    detail: {
      ko: '이 지갑의 소유자는 회사에 속하지 않습니다. 포인트를 사용할 회사를 merchantId로 보내 주십시오.',
      en: 'The owner of this wallet belongs to no company. Send the company where the points are spent as merchantId.',
    },
  },
  memberNotOfWallet: {
    status: 400,
    title: { ko: '이 지갑을 사용할 수 없는 회원입니다', en: 'The member does not belong to this wallet' },
    detail: {
      ko: '회사 지갑이면 그 회사의 회원을, 회원 지갑이면 본인을 memberId로 보내 주십시오.',
      en: "For a company's wallet send one of its members as memberId, for a member's wallet the member or nothing.",
    },
  },
  moveAcrossCompanies: {
    status: 409,
    title: { ko: '다른 회사의 지갑으로는 옮길 수 없습니다', en: 'Points cannot be moved to another company' },
    detail: {
      ko: '같은 회사에 속한 지갑으로만 포인트를 옮길 수 있습니다.',
      en: 'Points can be moved between wallets of one company only.',
    },
  },
  codeUnknown: {
    status: 404,
    title: { ko: '결제 코드를 찾을 수 없습니다', en: 'No such payment code' },
    detail: {
      ko: '코드를 다시 확인해 주십시오. 다른 지갑의 코드일 수도 있습니다.',
      en: 'Check the code. It may be one of another wallet.',
    },
  },
  codeEnded: {
    status: 409,
    title: { ko: '더 이상 사용할 수 없는 결제 코드입니다', en: 'The payment code has ended' },
    detail: {
      ko: '결제 코드는 3분 동안, 코드를 만든 로그인이 이어지는 동안 한 번만 사용할 수 있습니다. 새 코드를 보여 달라고 요청해 주십시오.',
      en: 'A payment code is good once, for three minutes, while the session that made it goes on. Ask for a new one.',
    },
  },
  codeNotCovered: {
    status: 409,
    title: { ko: '포인트가 부족하여 결제할 수 없습니다', en: 'The wallet does not cover this' },
    detail: {
      ko: '지갑에 {required}포인트가 없습니다. 결제 코드는 사용된 것으로 처리되었으니, 다시 결제하려면 새 코드가 필요합니다.',
      en: 'The wallet has no {required} points. The payment code is used up: to try again takes a new one.',
    },
  },
})
