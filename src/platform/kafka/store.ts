import type { Sql } from '../database.ts'
import { moveSubscription, openSubscriptionAt } from '../events/store.ts'
import type { Work } from '../work.ts'

type Reads = { readonly sql: Sql }

/** The subscription that stands for what Kafka has been given. */
export const publishing = 'kafka'

/**
 * Up to which number events were published. The first time that is as far as everybody has heard, so that nobody misses
 * what happened while there was no Kafka.
 */
export function openPublishing(reads: Reads): Promise<number> {
  const begin = 'coalesce((select min(number) from platform.subscription), m.number)'
  return openSubscriptionAt(reads, { name: publishing, begin })
}

/** Notes that events up to this number were published. */
export function movePublishing(work: Work, number: number): void {
  moveSubscription(work, { name: publishing, number })
}

/** Notes that a subscriber has heard everything up to this number. */
export async function advanceSubscription(
  reads: Reads,
  { name, number }: { name: string; number: number },
): Promise<void> {
  await reads.sql.run('update platform.subscription set number = $2 where name = $1 and number < $2', [name, number])
}
