import type { Envelopes } from '../events/cloud-events.ts'
import { listUncopiedDeadLetters, markDeadLettersCopied } from '../events/dead-letters.ts'
import type { Hearing } from '../events/relay.ts'
import { system } from '../work.ts'
import type { KafkaSettings } from './connection.ts'
import { toDeadMessage } from './messages.ts'
import type { Sender } from './producer.ts'

const copiedMax = 100

/** What copying needs. */
export interface Copying extends Pick<Hearing, 'reads' | 'withWork'> {
  readonly envelopes: Envelopes
  readonly kafka: Pick<KafkaSettings, 'prefix'>
  readonly sender: Sender
}

/**
 * Puts copies of dead letters into the topics for them, at least once each, and answers whether there may be more. The
 * letters stay in the database, from where they are sent again.
 */
export async function copyDeadLetters(by: Copying): Promise<boolean> {
  const letters = await listUncopiedDeadLetters(by.reads, copiedMax)
  if (letters.length === 0) return false
  await by.sender.send(letters.map((letter) => toDeadMessage(letter, by)))
  const ids = letters.map(({ id }) => id)
  await by.withWork(system, async (work) => markDeadLettersCopied(work, ids))
  return letters.length === copiedMax
}
