import { newId, toPublicId } from '#platform/ids'
import type { House } from './harness.ts'

/** A dead letter as a subscriber leaves it; answers its public id. */
export async function makeDeadLetter(
  { ownerSql }: Pick<House, 'ownerSql'>,
  more: { subscription?: string; type?: string; key?: string; failedAt?: string; error?: string } = {},
): Promise<string> {
  const {
    subscription = 'nobody',
    type = 'points.spent',
    key = newId(),
    failedAt = null,
    error = 'Error: not today',
  } = more
  const [id, eventId] = [newId(), newId()]
  const event = { id: eventId, number: 1, type, key, at: '2026-11-20T09:00:00.000Z', data: { amount: 7 } }
  await ownerSql.run(
    `insert into platform.dead_letter (id, subscription, event_id, number, type, key, event, attempts, error, failed_at)
     values ($1, $2, $3, 1, $4, $5, $6, 5, $8, coalesce($7::timestamptz, now()))`,
    [id, subscription, eventId, type, key, JSON.stringify(event), failedAt, error],
  )
  return toPublicId('dlt', id)
}
