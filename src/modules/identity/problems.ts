import { defineProblems } from '#platform/problem'

/** How identity refuses. */
export const identityProblems = defineProblems('identity', {
  memberUnknown: {
    status: 404,
    title: { ko: '회원을 찾을 수 없습니다', en: 'No such member' },
    detail: { ko: '회원 ID를 확인해 주십시오.', en: 'Check the id of the member.' },
  },
  externalIdTaken: {
    status: 409,
    title: { ko: '이미 사용 중인 외부 ID입니다', en: 'The external id is taken' },
    detail: {
      ko: '이 회사에 같은 externalId를 가진 회원이 이미 있습니다. 다른 값을 보내 주십시오.',
      en: 'The company has a member with this externalId already. Send another.',
    },
  },
})
