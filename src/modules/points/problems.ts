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
})
