import { defineProblems } from '#platform/problem'

/** How companies refuse. */
export const companiesProblems = defineProblems('companies', {
  companyUnknown: {
    status: 404,
    title: { ko: '회사를 찾을 수 없습니다', en: 'No such company' },
    detail: { ko: '회사 ID를 확인해 주십시오.', en: 'Check the id of the company.' },
  },
  lastOwner: {
    status: 409,
    title: { ko: '회사의 마지막 소유자입니다', en: 'The last owner of the company' },
    detail: {
      ko: '로그인하는 소유자가 한 명은 남아 있어야 합니다. 먼저 다른 사람을 OWNER로 지정해 주십시오.',
      en: 'One OWNER who signs in has to remain. Make somebody else one first.',
    },
  },
  memberStays: {
    status: 409,
    title: { ko: '회사가 만든 회원은 내보낼 수 없습니다', en: 'A member whom the company made stays' },
    detail: {
      ko: '스스로 가입한 사람만 내보낼 수 있습니다. 회사가 만든 회원에게는 MEMBER 역할을 주십시오.',
      en: 'Only people who signed up can be taken out. Give a member whom the company made the role MEMBER.',
    },
  },
  registrationNumberTaken: {
    status: 409,
    title: { ko: '이미 등록된 사업자등록번호입니다', en: 'The registration number is taken' },
    detail: {
      ko: '같은 사업자등록번호를 가진 회사가 이미 있습니다.',
      en: 'A company with this registration number exists already.',
    },
  },
  scopeReserved: {
    status: 403,
    title: { ko: '이 권한 범위는 운영자만 줄 수 있습니다', en: 'Only the operator gives this scope' },
    detail: {
      ko: '{scope} 범위 없이 키를 만들거나, 운영자에게 부탁해 주십시오.',
      en: 'Make the key without the scope {scope}, or ask the operator for it.',
    },
  },
})
