import { defineProblems } from '#platform/problem'

/** How webhooks refuse. */
export const webhooksProblems = defineProblems('webhooks', {
  endpointUnknown: {
    status: 404,
    title: { ko: '웹훅 엔드포인트를 찾을 수 없습니다', en: 'No such webhook endpoint' },
    detail: { ko: '엔드포인트 ID와 회사 ID를 확인해 주십시오.', en: 'Check the ids of the endpoint and its company.' },
  },
  deliveryUnknown: {
    status: 404,
    title: { ko: '전송 기록을 찾을 수 없습니다', en: 'No such delivery' },
    detail: {
      ko: '전송 ID를 확인해 주십시오. 끝난 전송은 30일 뒤에 지워집니다.',
      en: 'Check the id of the delivery. Those that are done with are forgotten after 30 days.',
    },
  },
  endpointDisabled: {
    status: 409,
    title: { ko: '꺼져 있는 웹훅 엔드포인트입니다', en: 'The webhook endpoint is disabled' },
    detail: {
      ko: '먼저 status를 enabled로 바꾸어 켜 주십시오.',
      en: 'Enable it first: change its status to enabled.',
    },
  },
  tooManyEndpoints: {
    status: 409,
    title: { ko: '웹훅 엔드포인트가 너무 많습니다', en: 'Too many webhook endpoints' },
    detail: {
      ko: '회사마다 {endpointsMax}개까지 둘 수 있습니다. 쓰지 않는 것을 지워 주십시오.',
      en: 'A company has at most {endpointsMax}. Delete one that is not used.',
    },
  },
})
