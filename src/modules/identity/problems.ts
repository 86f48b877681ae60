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
  apiKeyUnknown: {
    status: 404,
    title: { ko: 'API 키를 찾을 수 없습니다', en: 'No such API key' },
    detail: { ko: '키 ID를 확인해 주십시오.', en: 'Check the id of the key.' },
  },
  apiKeyEnded: {
    status: 409,
    title: { ko: '이미 끝났거나 교체된 키입니다', en: 'The key has ended or was rotated' },
    detail: {
      ko: '유효한 키만 교체할 수 있습니다. 목록에서 교체된 키를 찾거나 새 키를 만들어 주십시오.',
      en: 'Only a key that is valid can be rotated. Look for its successor in the list, or make a new key.',
    },
  },
  keyExpiresInPast: {
    status: 400,
    title: { ko: '만료 시각이 이미 지났습니다', en: 'The expiry has passed already' },
    detail: { ko: '앞으로 올 시각을 expiresAt으로 보내 주십시오.', en: 'Send an expiresAt that is still to come.' },
  },
})
