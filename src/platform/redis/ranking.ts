import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from '../database.ts'
import { openOutage } from '../outage.ts'
import { type Change, type ChangePlace, listChanges, openRanking, type Ranked, type Ranking } from '../ranking.ts'
import type { Redis } from './connection.ts'

const followEveryMs = 500
/** Redis is asked for as long as it was found complete so lately. */
const freshMs = 3_000
const changesInOne = 500
const start: ChangePlace = [-1, '', '']
const state = 'ranking'

/**
 * Boards in sorted sets, which follow the table: read from Redis while it has all of them, from the table while it has
 * not. Nobody writes to Redis but who follows, so whatever becomes of it, it is what the table was a moment ago.
 */
export function openRedisRanking(
  redis: Redis,
  by: { readonly database: Database; readonly onError: (error: Error) => void },
): Ranking & { close(): Promise<void> } {
  const { database, onError } = by
  const table = openRanking(database)
  const outage = openOutage(onError)
  const stop = new AbortController()
  let completeAt = Number.NEGATIVE_INFINITY
  let following: Promise<void> | null = null

  const follow = async () => {
    while (!stop.signal.aborted) {
      const since = performance.now()
      try {
        if (await catchUp(redis, database)) completeAt = since
        outage.reached()
      } catch (error) {
        outage.noticed(error as Error)
      }
      await delay(followEveryMs, undefined, stop).catch(() => {})
    }
  }
  /** What Redis has to say, or null where the table is to be asked. */
  const read = async <T>(script: string, [board, argument]: readonly [string, string | number]): Promise<T | null> => {
    following ??= follow()
    if (performance.now() - completeAt > freshMs) return null
    return redis.ask((client) => client.eval(script, 2, state, keyOf(board), argument)) as Promise<T | null>
  }
  return {
    async top(board, limit) {
      const found = await read<unknown>(topScript, [board, limit])
      const ranked = toRanked(found)
      return ranked ?? table.top(board, limit)
    },
    async find(board, member) {
      const found = await read<unknown>(findScript, [board, member])
      const [score, rank] = Array.isArray(found) ? found.map(Number) : []
      const isKnown = Number.isSafeInteger(score) && Number.isSafeInteger(rank)
      return isKnown ? { member, score: -score! || 0, rank: rank! + 1 } : table.find(board, member)
    },
    async close() {
      stop.abort()
      await following
    },
  }
}

/** Hands on what has changed since somebody last did; whether Redis has all of it then. */
async function catchUp(redis: Redis, database: Database): Promise<boolean> {
  const held = await redis.ask(async (client) => ({ place: await client.hget(state, 'place') }))
  if (held === null) return false
  let place = held.place ?? ''
  for (let cursor = toPlace(place); ; ) {
    const changes = await listChanges(database, { after: cursor, limit: changesInOne })
    const settled = changes.findLast(({ isSettled }) => isSettled)
    const next = settled ? JSON.stringify(settled.place) : place
    const isLast = changes.length < changesInOne
    if (!(await apply(redis, { changes, place, next, isLast }))) return false
    if (isLast) return true
    place = next
    cursor = changes.at(-1)!.place
  }
}

interface Step {
  readonly changes: readonly Change[]
  /** Where Redis must be, and where it is afterwards. */
  readonly place: string
  readonly next: string
  readonly isLast: boolean
}

async function apply(redis: Redis, { changes, place, next, isLast }: Step): Promise<boolean> {
  const boards = [...new Set(changes.map(({ place: [, board] }) => board))]
  const numbers = new Map(boards.map((board, at) => [board, at + 2]))
  const told = changes.flatMap(({ place: [, board, member], score }) => [
    numbers.get(board)!,
    member,
    score === null ? '' : -score,
  ])
  const keys = [state, ...boards.map(keyOf)]
  const done = await redis.ask((client) =>
    client.eval(applyScript, keys.length, ...keys, place, next, Number(isLast), ...told),
  )
  return done === 1
}

/**
 * Does nothing where somebody else was quicker. Each board ends with an entry that is nobody: one that lacks it was
 * thrown out by Redis for want of room, and everything begins anew.
 */
const applyScript = `
  if (redis.call('HGET', KEYS[1], 'place') or '') ~= ARGV[1] then return 0 end
  for i = 2, #KEYS do
    if redis.call('HSETNX', KEYS[1], KEYS[i], '1') == 1 then
      redis.call('DEL', KEYS[i])
      redis.call('ZADD', KEYS[i], '+inf', '')
    elseif redis.call('EXISTS', KEYS[i]) == 0 then
      redis.call('DEL', KEYS[1])
      return 0
    end
  end
  for i = 4, #ARGV, 3 do
    local board = KEYS[tonumber(ARGV[i])]
    if ARGV[i + 2] == '' then redis.call('ZREM', board, ARGV[i + 1])
    else redis.call('ZADD', board, ARGV[i + 2], ARGV[i + 1]) end
  end
  redis.call('HSET', KEYS[1], 'place', ARGV[2])
  if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'complete', '1') end
  return 1`

const ifComplete = `
  if redis.call('HGET', KEYS[1], 'complete') ~= '1' then return false end
  if redis.call('EXISTS', KEYS[2]) == 0 then
    if redis.call('HEXISTS', KEYS[1], KEYS[2]) == 1 then redis.call('DEL', KEYS[1]) end
    return false
  end`
const topScript = `${ifComplete} return redis.call('ZRANGE', KEYS[2], 0, ARGV[1] - 1, 'WITHSCORES')`
const findScript = `${ifComplete}
  local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
  return score and { score, redis.call('ZRANK', KEYS[2], ARGV[1]) }`

function toPlace(text: string): ChangePlace {
  return text === '' ? start : (JSON.parse(text) as ChangePlace)
}

function toRanked(found: unknown): Ranked[] | null {
  if (!Array.isArray(found)) return null
  const ranked: Ranked[] = []
  for (let at = 0; at < found.length && found[at] !== ''; at += 2) {
    ranked.push({ member: String(found[at]), score: -Number(found[at + 1]) || 0, rank: at / 2 + 1 })
  }
  return ranked.every(({ score }) => Number.isSafeInteger(score)) ? ranked : null
}

function keyOf(board: string): string {
  return `ranking:${board}`
}
