import { setTimeout as delay } from 'node:timers/promises'
import type { Message } from '@platformatic/kafka'
import type { KafkaSettings } from './connection.ts'
import { Member } from './member.ts'

/** Offsets of a partition that are gone, up to `to`. */
export interface Gap {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
}

/** What reading topics as a member of a group needs. */
export interface Consuming {
  readonly kafka: KafkaSettings
  readonly groupId: string
  readonly topics: readonly string[]
  /** How long the group waits for a member that is silent. */
  readonly sessionMs?: number
  /** Takes messages in, those of a partition in their order; what it throws has them come again. */
  handle(messages: readonly Message[]): Promise<void>
  /** Told of each generation of the group that this member belongs to. */
  readonly onJoin?: () => void
  /** Told of each failure; the member begins anew. */
  readonly onRestart: (error: unknown) => void
  /** Told when messages were deleted before anybody in the group had read them; they are passed afterwards. */
  readonly onMissing: (gaps: readonly Gap[]) => Promise<void>
}

const pauseMinMs = 100
const pauseMaxMs = 5_000

/**
 * Reads the topics, at least once and in the order of each partition, until it is closed: whatever fails, a new member
 * begins where the group stands, after pauses that grow while nothing succeeds.
 */
export function keepConsuming(by: Consuming): { close(): Promise<void> } {
  const stop = new AbortController()
  const { signal } = stop
  const ended = (async () => {
    let pauseMs = pauseMinMs
    const onProgress = () => {
      pauseMs = pauseMinMs
    }
    while (!signal.aborted) {
      const member = new Member(by, { signal, onProgress })
      try {
        await member.run()
      } catch (error) {
        if (!signal.aborted) by.onRestart(error)
      } finally {
        await member.leave()
      }
      await delay(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
      pauseMs = Math.min(2 * pauseMs, pauseMaxMs)
    }
  })()
  return {
    close() {
      stop.abort()
      return ended
    },
  }
}
