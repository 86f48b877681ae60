import type { Message } from '@platformatic/kafka'
import { type CloudEvent, type Envelopes, UnreadableEvent } from '../events/cloud-events.ts'
import type { DeadLetter } from '../events/dead-letters.ts'
import type { Event } from '../events/events.ts'
import type { KafkaSettings } from './connection.ts'
import type { Outgoing } from './producer.ts'
import { deadLetterTopicOf, topicOf } from './topics.ts'

type Topics = Pick<KafkaSettings, 'prefix'>

/** Made once, for it goes with every message. */
const structured = new Map([[Buffer.from('content-type'), Buffer.from('application/cloudevents+json; charset=UTF-8')]])

/** An event as a message: a CloudEvent in the structured mode of its Kafka binding, by the key that keeps its order. */
export function toMessage(topics: Topics, event: CloudEvent): Outgoing {
  return {
    topic: topicOf(topics, event.type),
    key: Buffer.from(event.partitionkey),
    value: Buffer.from(JSON.stringify(event)),
    headers: structured,
  }
}

/** The event in a message; throws `UnreadableEvent` where there is none of ours. */
export function fromMessage(
  { topic, key, value }: Pick<Message, 'topic' | 'key' | 'value'>,
  by: { kafka: Topics; envelopes: Envelopes },
): Event {
  const envelope = parse(value)
  const event = by.envelopes.unwrap(envelope)
  const ownTopic = topicOf(by.kafka, event.type)
  if (ownTopic !== topic) throw new UnreadableEvent(`Events of type ${event.type} belong to the topic ${ownTopic}`)
  const { subject } = envelope as CloudEvent
  // Of two keys the order would be anybody's guess.
  if (key?.toString() !== subject) throw new UnreadableEvent('Its key is not its subject')
  return event
}

function parse(value: Buffer | null): unknown {
  try {
    return JSON.parse(value!.toString())
  } catch {
    throw new UnreadableEvent('It is not JSON')
  }
}

/** What could not be read, as it came, with why and where from. */
export function toUnreadable(
  message: Message,
  { group, error, at }: { group: string; error: UnreadableEvent; at: Date },
): Outgoing {
  const { topic, partition, offset } = message
  return {
    topic: deadLetterTopicOf(topic),
    key: message.key,
    value: message.value,
    headers: new Map<string, string | Buffer>([
      ...message.headerEntries.map(([name, value]) => [name.toString(), value] as const),
      ['podo-error', error.message],
      ['podo-group', group],
      ['podo-original-topic', topic],
      ['podo-original-partition', String(partition)],
      ['podo-original-offset', String(offset)],
      ['podo-failed-at', at.toISOString()],
    ]),
  }
}

/** An event that its subscriber could not take in, with why. */
export function toDeadMessage(letter: DeadLetter, by: { kafka: Topics; envelopes: Envelopes }): Outgoing {
  const { topic, ...message } = toMessage(by.kafka, by.envelopes.wrap(letter.event))
  return {
    ...message,
    topic: deadLetterTopicOf(topic),
    headers: new Map<string | Buffer, string | Buffer>([
      ...structured,
      ['podo-error', letter.error],
      ['podo-group', `${by.kafka.prefix}${letter.subscription}`],
      ['podo-attempts', String(letter.attempts)],
      ['podo-original-topic', topic],
      ['podo-failed-at', letter.failedAt.toISOString()],
    ]),
  }
}
