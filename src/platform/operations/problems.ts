import { defineProblems } from '../problem.ts'

/** How questions about operations are refused. */
export const operationsProblems = defineProblems('operations', {
  operationUnknown: {
    status: 404,
    title: { ko: '없는 작업입니다', en: 'There is no such operation' },
    detail: {
      ko: '이 ID로 접수된 요청이 없거나, 다른 호출자의 것입니다. 202 응답의 Location에 있는 주소인지 확인해 주십시오.',
      en: 'No request was taken on under this id, or it is another caller’s. See that it is the Location of the 202.',
    },
  },
})
