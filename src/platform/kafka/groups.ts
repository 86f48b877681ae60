import { setTimeout as delay } from 'node:timers/promises'
import type { Admin } from '@platformatic/kafka'
import type { Sql } from '../database.ts'
import { advanceSubscription, openPublishing } from './store.ts'

/** A subscriber's consumer group, and what it reads. */
export interface Group {
  readonly subscription: string
  readonly groupId: string
  readonly topics: readonly string[]
}

/** Where a group stands in a partition, and what it has to go. */
interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly end: bigint
}

/** Messages that a group has not taken in yet, by topic. */
export interface Lag {
  readonly group: string
  readonly topic: string
  readonly messages: number
}

/** Looks after groups. */
export interface GroupWatch {
  /** As it was when last looked; empty while the brokers do not answer. */
  lags(): readonly Lag[]
  close(): Promise<void>
}

/**
 * Looks every few seconds how far the groups are. A group that has taken in what was published up to a number is done
 * with all events up to it: its subscription is moved there, so that it goes on from there without Kafka, takes nothing
 * in that is older, and old events can be forgotten.
 */
export function keepGroupsWatched(by: {
  readonly reads: { readonly sql: Sql }
  readonly admin: Admin
  readonly groups: readonly Group[]
  readonly intervalMs: number
}): GroupWatch {
  const { reads, admin, groups } = by
  const stop = new AbortController()
  const { signal } = stop
  const goals = new Map<string, Goal>()
  let lags: readonly Lag[] = []

  const look = async (group: Group): Promise<Lag[]> => {
    const number = await openPublishing(reads)
    const places = await findPlaces(admin, group)
    const goal = goals.get(group.groupId)
    if (!goal || isReached(goal, places)) {
      if (goal) await advanceSubscription(reads, { name: group.subscription, number: goal.number })
      goals.set(group.groupId, { number, ends: new Map(places.map((place) => [nameOf(place), place.end])) })
    }
    return group.topics.map((topic) => {
      const own = places.filter((place) => place.topic === topic)
      const messages = own.reduce((sum, { offset, end }) => sum + Number(end - offset), 0)
      return { group: group.groupId, topic, messages }
    })
  }

  const ended = (async () => {
    while (!signal.aborted) {
      lags = await Promise.all(groups.map(look)).then(
        (all) => all.flat(),
        () => [],
      )
      await delay(by.intervalMs, undefined, { signal }).catch(() => {})
    }
  })()
  return {
    lags: () => lags,
    close() {
      stop.abort()
      return ended
    },
  }
}

/** What a group has to have taken in before it is done with every event up to a number. */
interface Goal {
  readonly number: number
  readonly ends: ReadonlyMap<string, bigint>
}

function isReached({ ends }: Goal, places: readonly Place[]): boolean {
  return places.every((place) => place.offset >= (ends.get(nameOf(place)) ?? 0n))
}

function nameOf({ topic, partition }: Pick<Place, 'topic' | 'partition'>): string {
  return `${topic}:${partition}`
}

const earliest = -2n
const latest = -1n

/** Where a group stands in its topics; where it never was, at their beginning. */
async function findPlaces(admin: Admin, { groupId, topics }: Group): Promise<Place[]> {
  const [begins, ends, stands] = await Promise.all([
    listOffsets(admin, { topics, timestamp: earliest }),
    listOffsets(admin, { topics, timestamp: latest }),
    listStands(admin, groupId),
  ])
  return ends.map(({ offset: end, ...place }, at) => {
    const offset = stands.get(nameOf(place)) ?? -1n
    return { ...place, offset: offset < 0n ? begins[at]!.offset : offset, end }
  })
}

async function listOffsets(admin: Admin, { topics, timestamp }: { topics: readonly string[]; timestamp: bigint }) {
  const { topics: known } = await admin.metadata({ topics: [...topics] })
  const asked = topics.map((name) => ({
    name,
    partitions: known.get(name)!.partitions.map((_, partitionIndex) => ({ partitionIndex, timestamp })),
  }))
  const found = await admin.listOffsets({ topics: asked })
  return found
    .flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, offset }) => ({ topic, partition, offset })),
    )
    .toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)))
}

async function listStands(admin: Admin, groupId: string): Promise<Map<string, bigint>> {
  const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
  const stands = group!.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(
      ({ partitionIndex: partition, committedOffset }) => [nameOf({ topic, partition }), committedOffset] as const,
    ),
  )
  return new Map(stands)
}
