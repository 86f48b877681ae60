import Type from 'typebox'
import type { RecordedAct } from '#platform/audit'
import { toInstant, toPeriod } from '#platform/clock'
import { decodeCursor, toPage } from '#platform/cursor'
import type { RoutesPlugin } from '#platform/http'
import { invalidRequest } from '#platform/http-problems'
import { closedObject, instant, nullable, oneOf, pageOf, pageQuery, publicId } from '#platform/http-schema'
import { fromPublicId, toPublicId } from '#platform/ids'
import type { FieldError } from '#platform/problem'
import type { Actor } from '#platform/work'
import { listAudit, type Ops, readActor, readTargetId } from './ops.ts'

const text = Type.String()
const fields = Type.Unsafe<object | null>({
  type: ['object', 'null'],
  additionalProperties: true,
  description: 'Fields as the API shows them; null where there was nothing to change.',
})
const actSchema = Type.Object({
  id: publicId('act'),
  at: instant,
  actor: Type.Object({
    type: oneOf(['operator', 'company', 'member', 'system', 'anonymous']),
    id: nullable(text),
  }),
  credential: nullable(Type.String({ description: 'The API key or session that it was done with.' })),
  action: Type.String({ description: 'The operation.', examples: ['changeMemberRole'] }),
  target: Type.String({ description: 'The id of what it was done to.' }),
  before: fields,
  after: fields,
  address: nullable(text),
  requestId: nullable(text),
})
const uuid = '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0'
const example = {
  id: toPublicId('act', `${uuid}1`),
  at: '2026-11-20T09:00:00.000Z',
  actor: { type: 'member', id: toPublicId('mem', `${uuid}2`) },
  credential: toPublicId('ses', `${uuid}3`),
  action: 'changeMemberRole',
  target: toPublicId('mem', `${uuid}4`),
  before: { role: 'USER' },
  after: { role: 'ADMIN' },
  address: '203.0.113.7',
  requestId: '019e5f3a-7c10-7b3e-9d42-5a6b7c8d9e0f',
}
const bound = Type.Optional(Type.String({ format: 'date-or-date-time' }))

/** The route of the audit log. */
export function auditRoutes(ops: Ops): RoutesPlugin {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/v1/ops/audit',
      config: { access: ['operator', 'admin'], example: { answer: { items: [example], nextCursor: null } } },
      schema: {
        operationId: 'listAudit',
        tags: ['Operations'],
        summary: 'Who did what: roles, points given by administrators, keys and companies; newest first',
        querystring: closedObject({
          actor: Type.Optional(
            Type.String({ description: 'The id of a member or company, or `operator` or `system`.', maxLength: 100 }),
          ),
          action: Type.Optional(oneOf(ops.acts, { description: 'The operation.' })),
          target: Type.Optional(Type.String({ description: 'The id of what it was done to.', maxLength: 100 })),
          from: bound,
          to: bound,
          ...pageQuery,
        }),
        response: { 200: pageOf(actSchema) },
      },
      async handler({ query }) {
        const { action = null, limit, cursor } = query
        const { actor, targetId } = readWho(query)
        const period = toPeriod(query, ops.timeZone)
        const list = `audit, ${JSON.stringify([query.actor, action, query.target, query.from, query.to])}`
        const after = decodeCursor(list, cursor, readPlace)
        const acts = await listAudit(ops, { actor, action, targetId, ...period, after, limit: limit + 1 })
        return toPage(acts, {
          list,
          limit,
          placeOf: ({ at, id }) => `${at.toISOString()} ${toPublicId('act', id)}`,
          toItem: toActBody,
        })
      },
    })
  }
}

/** Throws a 400 for what names nobody and nothing. */
function readWho(query: { actor?: string; target?: string }): { actor: Actor | null; targetId: string | null } {
  const actor = query.actor === undefined ? null : readActor(query.actor)
  const targetId = query.target === undefined ? null : readTargetId(query.target)
  const errors: FieldError[] = []
  if (query.actor !== undefined && !actor) errors.push({ pointer: '/actor', detail: wrongActor })
  if (query.target !== undefined && !targetId) errors.push({ pointer: '/target', detail: wrongTarget })
  if (errors.length > 0) throw invalidRequest(errors)
  return { actor, targetId }
}

const wrongActor = {
  ko: '회원이나 회사의 ID, operator, system 중 하나여야 합니다.',
  en: 'Must be the id of a member or company, or operator or system.',
}
const wrongTarget = {
  ko: 'mem_ 같은 것으로 시작하는 ID여야 합니다.',
  en: 'Must be an id, such as one that begins with mem_.',
}

function readPlace(place: string): { at: Date; id: string } | null {
  const [time = '', text = ''] = place.split(' ')
  const [at, id] = [toInstant(time), fromPublicId('act', text)]
  return at && id ? { at, id } : null
}

function toActBody({ id, at, actor, action, target, before, after, origin }: RecordedAct) {
  return {
    id: toPublicId('act', id),
    at: at.toISOString(),
    actor: { type: actor.type, id: actor.id && toPublicId(actor.type === 'company' ? 'cmp' : 'mem', actor.id) },
    credential: origin.credentialId && toPublicId(actor.type === 'company' ? 'key' : 'ses', origin.credentialId),
    action,
    target: toPublicId(target.prefix, target.id),
    before,
    after,
    address: origin.address,
    requestId: origin.requestId,
  }
}
