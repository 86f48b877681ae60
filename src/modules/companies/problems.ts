import { defineProblems } from '#platform/problem'

/** How companies refuse. */
export const companiesProblems = defineProblems('companies', {
  companyUnknown: {
    status: 404,
    title: { ko: '회사를 찾을 수 없습니다', en: 'No such company' },
    detail: { ko: '회사 ID를 확인해 주십시오.', en: 'Check the id of the company.' },
  },
  registrationNumberTaken: {
    status: 409,
    title: { ko: '이미 등록된 사업자등록번호입니다', en: 'The registration number is taken' },
    detail: {
      ko: '같은 사업자등록번호를 가진 회사가 이미 있습니다.',
      en: 'A company with this registration number exists already.',
    },
  },
})
