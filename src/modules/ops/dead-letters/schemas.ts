import Type from 'typebox'
import { toPeriod } from '#platform/clock'
import type { CloudEvent, Envelopes } from '#platform/events/cloud-events'
import type { DeadLetter, DeadLetterFilter } from '#platform/events/dead-letters'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, instant, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { readTargetId } from '../ops.ts'
import { opsProblems } from '../problems.ts'
import { redriveMax } from './dead-letters.ts'

const name = (description: string, example: string) =>
  Type.Optional(Type.String({ description, 'x-text': 'line', maxLength: 100, examples: [example] }))
const bound = (description: string) => Type.Optional(Type.String({ format: 'date-or-date-time', description }))

/** Which dead letters are meant. */
export const filterFields = {
  subscription: name('Who could not take it in.', 'earning'),
  type: name('The type of the event.', 'points.spent'),
  subject: name('The id of what the event happened to.', 'wlt_019e5f3a7c107b3e9d425a6b7c8d9e0f'),
  from: bound('When it failed for the last time, inclusive.'),
  to: bound('The same; an instant is exclusive, a day inclusive.'),
}

const namedFields = {
  ids: Type.Optional(Type.Array(publicId('dlt'), { minItems: 1, maxItems: redriveMax, uniqueItems: true })),
  ...filterFields,
}

/** The same, or by their ids. */
export const deadLetterFilterSchema = closedObject(namedFields)

/** The same where each is sent again: that all are meant has to be said. */
export const redriveBody = closedObject({
  all: Type.Optional(Type.Boolean({ description: 'Whether all are meant that fit the rest.' })),
  ...namedFields,
})

export const discardBody = closedObject({
  reason: Type.String({ minLength: 1, maxLength: 500, 'x-text': 'line', description: 'Why; for the audit log.' }),
})

const text = Type.String()
const eventSchema = Type.Unsafe<CloudEvent>({
  type: 'object',
  additionalProperties: true,
  description: 'The event as every consumer gets it: CloudEvents 1.0.',
})

export const deadLetterSchema = Type.Object({
  id: publicId('dlt'),
  subscription: text,
  event: eventSchema,
  attempts: Type.Integer(),
  error: Type.String({ description: 'What the last attempt failed of.' }),
  failedAt: instant,
})

const uuid = '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0'
const subject = toPublicId('wlt', `${uuid}2`)
export const example = {
  id: toPublicId('dlt', `${uuid}1`),
  subscription: 'earning',
  event: {
    specversion: '1.0',
    id: toPublicId('evt', `${uuid}3`),
    source: 'https://points.example.com',
    type: 'points.spent',
    subject,
    time: '2026-11-20T09:00:00.000Z',
    datacontenttype: 'application/json',
    dataschema: 'https://points.example.com/events/points.spent.v1.json',
    sequence: '0000000000004711',
    partitionkey: subject,
    data: {},
  },
  attempts: 5,
  error: 'Error: no rule for this company',
  failedAt: '2026-11-20T09:01:25.000Z',
} as const

/** The UUID of a dead letter; throws `deadLetterUnknown` for what is malformed, which is nobody's. */
export function readDeadLetterId(text: string): string {
  const id = fromPublicId('dlt', text)
  if (!id) throw new Problem(opsProblems.deadLetterUnknown)
  return id
}

/** A dead letter as callers see it. */
export function toDeadLetterBody({ id, event, failedAt, ...letter }: DeadLetter, envelopes: Envelopes) {
  return { ...letter, id: toPublicId('dlt', id), event: envelopes.wrap(event), failedAt: failedAt.toISOString() }
}

interface GivenFilter {
  readonly ids?: readonly string[]
  readonly subscription?: string
  readonly type?: string
  readonly subject?: string
  readonly from?: string
  readonly to?: string
}

/** What a filter means that fits its schema. Throws a 400 for a subject that is no id; ids that are malformed are nobody's. */
export function readDeadLetterFilter(given: GivenFilter, timeZone: string): DeadLetterFilter {
  const { ids, subscription = null, type = null, subject } = given
  const key = subject === undefined ? null : readTargetId(subject)
  if (subject !== undefined && key === null) throw invalidRequest([{ pointer: '/subject', detail: wrongSubject }])
  const known = ids?.flatMap((id) => fromPublicId('dlt', id) ?? []) ?? null
  return { ids: known, subscription, type, key, ...toPeriod(given, timeZone) }
}

const wrongSubject = {
  ko: 'wlt_ 같은 것으로 시작하는 ID여야 합니다.',
  en: 'Must be an id, such as one that begins with wlt_.',
}
