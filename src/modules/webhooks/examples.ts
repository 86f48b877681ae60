import { toPublicId } from '#platform/ids'

const uuid = '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0'
const createdAt = '2026-11-20T09:00:00.000Z'

const endpoint = {
  id: toPublicId('whe', `${uuid}1`),
  companyId: toPublicId('cmp', `${uuid}1`),
  url: 'https://example.com/hooks/podo',
  types: ['points.spent', 'points.refunded'],
  status: 'enabled',
  disabledReason: null,
  disabledAt: null,
  failingSince: null,
  secret: null,
  formerSecretUntil: null,
  createdAt,
}

const delivery = {
  id: toPublicId('whd', `${uuid}2`),
  endpointId: endpoint.id,
  eventId: toPublicId('evt', `${uuid}3`),
  type: 'points.spent',
  status: 'delivered',
  createdAt,
  nextAttemptAt: null,
  completedAt: '2026-11-20T09:00:05.120Z',
  attempts: [
    {
      number: 1,
      at: createdAt,
      durationMs: 15_002,
      statusCode: null,
      error: 'No answer came within 15 s',
    },
    { number: 2, at: '2026-11-20T09:00:05.000Z', durationMs: 120, statusCode: 204, error: null },
  ],
}

const event = {
  specversion: '1.0',
  id: delivery.eventId,
  source: 'podo',
  type: delivery.type,
  subject: toPublicId('wlt', `${uuid}4`),
  time: createdAt,
  datacontenttype: 'application/json',
  dataschema: 'http://127.0.0.1:8080/events/points.spent.v1.json',
  partitionkey: toPublicId('wlt', `${uuid}4`),
  data: { kind: 'spend', amount: -4_500 },
}

const page = (item: object) => ({ answer: { items: [item], nextCursor: null } })

/** What the API page shows of webhooks. */
export const examples = {
  createWebhookEndpoint: {
    body: { url: endpoint.url, types: endpoint.types },
    answer: { ...endpoint, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…' },
  },
  listWebhookEndpoints: page(endpoint),
  getWebhookEndpoint: { answer: endpoint },
  changeWebhookEndpoint: { body: { types: ['points.*'] }, answer: { ...endpoint, types: ['points.*'] } },
  rotateWebhookSecret: {
    body: { overlapSeconds: 3_600 },
    answer: { ...endpoint, secret: 'whsec_…', formerSecretUntil: '2026-11-20T10:00:00.000Z' },
  },
  testWebhookEndpoint: {
    body: {},
    answer: {
      ...delivery,
      type: 'webhooks.tested',
      status: 'pending',
      nextAttemptAt: createdAt,
      completedAt: null,
      attempts: [],
    },
  },
  redriveWebhookDeliveries: {
    body: { types: ['points.spent'], from: '2026-11-20', to: '2026-11-21' },
    answer: { redriven: 42, hasMore: false },
  },
  listWebhookDeliveries: page(delivery),
  getWebhookDelivery: { answer: { ...delivery, event } },
  redriveWebhookDelivery: {
    body: {},
    answer: { ...delivery, status: 'pending', nextAttemptAt: createdAt, completedAt: null },
  },
}
