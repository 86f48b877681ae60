import type { Message } from '@platformatic/kafka'
import { databaseNow } from '../database-time.ts'
import { type Envelopes, UnreadableEvent } from '../events/cloud-events.ts'
import { type Delivering, deliver } from '../events/delivery.ts'
import type { Event } from '../events/events.ts'
import { openReader } from '../events/reader.ts'
import type { Hearing } from '../events/relay.ts'
import { openSubscription } from '../events/store.ts'
import type { KafkaSettings } from './connection.ts'
import type { Gap } from './consumer.ts'
import { fromMessage, toUnreadable } from './messages.ts'
import type { Notices } from './notices.ts'
import type { Sender } from './producer.ts'

/** It only grows, and what is taken in meanwhile is known as such for weeks. */
const placeForMs = 1_000

/** What taking messages in for a subscriber needs. */
export interface Intaking extends Delivering, Pick<Hearing, 'sources' | 'onEvent'> {
  readonly kafka: KafkaSettings
  readonly envelopes: Envelopes
  readonly groupId: string
  readonly sender: Sender
  readonly notices: Pick<Notices, 'unreadable' | 'missing'>
}

/** Messages become events that a subscriber takes in. */
export interface Intake {
  /** Throws where the database or the brokers are away: the messages come again. */
  take(messages: readonly Message[]): Promise<void>
  /** Delivers from the database what the topics had forgotten before it was read. */
  catchUp(gaps: readonly Gap[]): Promise<void>
}

/**
 * Opens the intake of a subscriber. What is none of our events goes to the dead letters of its topic, so that it is
 * lost to nobody and in the way of none. Events that are older than the subscription were heard before, or told before
 * it began.
 */
export function openIntake(by: Intaking): Intake {
  const { reads, subscriber, groupId, notices, sender } = by
  const wanted = new Set(subscriber.types)
  const alongside = async () => {}
  let place = { number: 0, readAt: Number.NEGATIVE_INFINITY }
  return {
    async take(messages) {
      if (performance.now() - place.readAt > placeForMs)
        place = { number: await openSubscription(reads, subscriber.name), readAt: performance.now() }
      const events: Event[] = []
      const unreadable: { message: Message; error: UnreadableEvent }[] = []
      for (const message of messages) {
        const event = read(message, by)
        if (event instanceof UnreadableEvent) unreadable.push({ message, error: event })
        else if (wanted.has(event.type) && event.number > place.number) events.push(event)
      }
      if (unreadable.length > 0) {
        const at = databaseNow()
        await sender.send(unreadable.map(({ message, error }) => toUnreadable(message, { group: groupId, error, at })))
        for (const each of unreadable) notices.unreadable(groupId, each)
      }
      if (by.onEvent) events.forEach(by.onEvent)
      await deliver(by, { events, alongside })
    },
    async catchUp(gaps) {
      const reader = openReader({ reads, sources: by.sources, types: subscriber.types })
      let count = 0
      for (let after: number | null = await openSubscription(reads, subscriber.name); after !== null; ) {
        const { events, upTo, hasMore } = await reader.next(after)
        await deliver(by, { events, alongside })
        count += events.length
        after = hasMore ? upTo : null
      }
      // A subscriber that is new has missed nothing.
      if (count > 0) notices.missing(groupId, gaps)
    },
  }
}

function read(message: Message, by: Pick<Intaking, 'kafka' | 'envelopes'>): Event | UnreadableEvent {
  try {
    return fromMessage(message, by)
  } catch (error) {
    if (error instanceof UnreadableEvent) return error
    throw error
  }
}
