import Type from 'typebox'
import { defineEvents } from '#platform/events/kinds'
import { publicId } from '#platform/http-schema'

/** What webhooks tell: to the endpoint alone that it is about. */
export const webhooksEvents = defineEvents('webhooks', {
  tested: {
    description: {
      ko: '웹훅 엔드포인트를 시험하려고 보냈습니다. 일어난 일은 없습니다.',
      en: 'Sent to try a webhook endpoint: nothing has happened.',
    },
    key: 'whe',
    data: Type.Object({ endpointId: publicId('whe') }),
  },
})
