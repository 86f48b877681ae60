import { defineProblems } from '#platform/problem'

/** How operations refuse. */
export const opsProblems = defineProblems('ops', {
  deadLetterUnknown: {
    status: 404,
    title: { ko: '데드 레터를 찾을 수 없습니다', en: 'No such dead letter' },
    detail: {
      ko: 'ID를 확인해 주십시오. 이미 다시 보냈거나 버린 것일 수 있으며, 그렇다면 감사 로그에 남아 있습니다.',
      en: 'Check its id. It may have been sent again or discarded already; then the audit log says so.',
    },
  },
})
