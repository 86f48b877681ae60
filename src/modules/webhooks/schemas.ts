import Type from 'typebox'
import { instant, nullable, oneOf, publicId } from '#platform/http-schema'
import { toPublicId } from '#platform/ids'
import { type Attempt, type Delivery, statuses } from './deliveries/store.ts'
import type { Endpoint } from './endpoints/store.ts'

export const url = Type.String({
  'x-text': 'line',
  minLength: 1,
  maxLength: 2_048,
  description: 'An https address on the internet, without user, password and fragment.',
  examples: ['https://example.com/hooks/podo'],
})

/** What may be asked for; `choices` are the types that there are, their rooms, and all. */
export function typesOf(choices: readonly string[]) {
  return Type.Array(oneOf(choices), {
    minItems: 1,
    maxItems: 100,
    uniqueItems: true,
    description: 'Types of events, all of a room (`points.*`), or all (`*`).',
    examples: [['points.spent', 'points.refunded']],
  })
}

export const status = oneOf(['enabled', 'disabled'], {
  description: 'While it is disabled nothing is sent, and what happens is not kept to be sent.',
})

export const endpointSchema = Type.Object({
  id: publicId('whe'),
  companyId: publicId('cmp'),
  url,
  types: Type.Array(Type.String({ examples: ['points.*'] })),
  status,
  disabledReason: Type.Unsafe<Endpoint['disabledReason']>({
    type: ['string', 'null'],
    enum: ['asked', 'gone', 'failing', null],
    description: 'asked for; its receiver answered 410 (`gone`); or nothing succeeded for three days (`failing`)',
  }),
  disabledAt: nullable(instant),
  failingSince: nullable({ ...instant, description: 'Since when attempts have failed and none has succeeded.' }),
  secret: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description:
      'What signatures are made with. Shown once, in the first answer to making the endpoint or to rotating; null ' +
      'everywhere else.',
  }),
  formerSecretUntil: nullable({
    ...instant,
    description: 'Until when everything is signed with the secret before this one, too.',
  }),
  createdAt: instant,
})

const attempt = Type.Object({
  number: Type.Integer(),
  at: instant,
  durationMs: Type.Integer(),
  statusCode: Type.Unsafe<number | null>({ type: ['integer', 'null'], description: 'What was answered.' }),
  error: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'Why nothing was, in plain words.' }),
})

export const deliveryStatus = oneOf(statuses, {
  description: 'It waits for its next attempt, was taken, or is tried no more.',
})

export const deliverySchema = Type.Object({
  id: publicId('whd'),
  endpointId: publicId('whe'),
  eventId: Type.String({ description: 'The `webhook-id`: the same in every attempt.' }),
  type: Type.String({ examples: ['points.spent'] }),
  status: deliveryStatus,
  createdAt: instant,
  nextAttemptAt: nullable(instant),
  completedAt: nullable(instant),
  attempts: Type.Array(attempt, { description: 'Those that have an outcome, oldest first; the newest fifty.' }),
})

/** A delivery and what was sent. */
export const wholeDeliverySchema = Type.Object({
  ...deliverySchema.properties,
  event: Type.Object({}, { additionalProperties: true, description: 'The CloudEvent that is sent.' }),
})

/** An endpoint as callers see it. */
export function toEndpointBody(endpoint: Endpoint) {
  return {
    id: toPublicId('whe', endpoint.id),
    companyId: toPublicId('cmp', endpoint.companyId),
    url: endpoint.url,
    types: [...endpoint.types],
    status: endpoint.disabledAt === null ? ('enabled' as const) : ('disabled' as const),
    disabledReason: endpoint.disabledReason,
    disabledAt: endpoint.disabledAt?.toISOString() ?? null,
    failingSince: endpoint.failingSince?.toISOString() ?? null,
    secret: null,
    formerSecretUntil: endpoint.formerSecretUntil?.toISOString() ?? null,
    createdAt: endpoint.createdAt.toISOString(),
  }
}

/** A delivery as callers see it. */
export function toDeliveryBody(delivery: Delivery) {
  return {
    id: toPublicId('whd', delivery.id),
    endpointId: toPublicId('whe', delivery.endpointId),
    eventId: toPublicId('evt', delivery.eventId),
    type: delivery.type,
    status: delivery.status,
    createdAt: delivery.createdAt.toISOString(),
    nextAttemptAt: delivery.dueAt?.toISOString() ?? null,
    completedAt: delivery.completedAt?.toISOString() ?? null,
    attempts: delivery.log.map(toAttemptBody),
  }
}

/** The same, with what was sent. */
export function toWholeDeliveryBody(delivery: Delivery) {
  return { ...toDeliveryBody(delivery), event: JSON.parse(delivery.body) as Record<string, unknown> }
}

function toAttemptBody({ at, ...attempt }: Attempt) {
  return { ...attempt, at: at.toISOString() }
}
