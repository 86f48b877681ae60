import { setTimeout as delay } from 'node:timers/promises'
import { newId } from '../ids.ts'
import { openOutage } from '../outage.ts'
import { Unavailable } from '../resilience.ts'
import type { Claimed, RetryQueue } from '../retry-queue.ts'
import type { Redis } from './connection.ts'

/**
 * A queue in Redis, by its name. It is no part of a unit of work: what is put in may stay though what it belongs to was
 * undone, and what was committed may not be put in. It is lost with Redis, unless `keepRebuilt` fills it again from the
 * database; what must not be lost and stands nowhere else belongs into the form in the database. Throws Unavailable
 * where Redis is away; what a worker claims and is answered too late waits for the end of the claim, so a worker's
 * connection is a patient one.
 */
export function openRedisRetryQueue(redis: Redis, name: string): RetryQueue {
  // One slot of a cluster, since a script touches all of them.
  const keys = ['due', 'claimed', 'payload', 'state'].map((part) => `retry:{${name}}:${part}`)

  const ask = async <Answer>(script: string, values: readonly Value[]): Promise<Answer> => {
    const answer = await redis.ask((client) => client.eval(common + script, keys.length, ...keys, ...values))
    if (answer === null) throw new Unavailable('Redis is away: a retry queue may not have done what it was asked', 1)
    return answer as Answer
  }
  const touch = async (script: string, items: readonly (readonly Value[])[]): Promise<number> => {
    let touched = 0
    for (let at = 0; at < items.length; at += partMax)
      touched += await ask<number>(script, items.slice(at, at + partMax).flat())
    return touched
  }

  return {
    async put(items) {
      const values = items.map(({ id, payload, delayMs }) => [id, payload, delayMs])
      await touch(putItems, values)
    },
    async claim({ max, leaseMs }) {
      const claim = newId()
      const rows = await ask<[string, string, number][]>(claimDue, [Math.min(max, partMax), leaseMs, claim])
      return rows.map(([id, payload, attempt]) => ({ id, payload, attempt, claim }))
    },
    done: (items) => touch(deleteClaimed, items.map(toClaim)),
    again: (items) =>
      touch(
        returnClaimed,
        items.map((item) => [...toClaim(item), item.delayMs]),
      ),
    giveBack: (items) =>
      touch(
        returnClaimed,
        items.map((item) => [...toClaim(item), '']),
      ),
    async count() {
      const [waiting, due, claimed] = await ask<[number, number, number]>(countItems, [])
      return { waiting, due, claimed }
    },
  }
}

/**
 * Asks for what is not done whenever Redis is there that was not, until it could all be put in again. What a queue
 * holds already stays as it is, so it is asked for rather too often; by every process that keeps this.
 */
export function keepRebuilt(
  redis: Redis,
  { rebuild, onError }: { rebuild: () => Promise<void>; onError: (error: Error) => void },
): { close(): Promise<void> } {
  const stop = new AbortController()
  const outage = openOutage(onError)
  let isStale = false
  let filling: Promise<void> | null = null

  const fill = async () => {
    while (isStale && !stop.signal.aborted) {
      isStale = false
      try {
        await rebuild()
        outage.reached()
      } catch (error) {
        isStale = true
        outage.noticed(error as Error)
        await delay(againMs, undefined, { signal: stop.signal }).catch(() => {})
      }
    }
    filling = null
  }
  const begin = () => {
    isStale = true
    filling ??= fill()
  }
  redis.onBack(begin)
  if (redis.isThere()) begin()
  return {
    async close() {
      stop.abort()
      await filling
    },
  }
}

const againMs = 250

type Value = string | number

function toClaim({ id, claim }: Claimed): Value[] {
  return [id, claim]
}

/** So many at once, that Redis answers in time, and others in between; a call in Lua takes no more than 8,000 values. */
const partMax = 500

/**
 * `due` holds the items that are nobody's by when they fall due, `claimed` the others by when their claim runs out. Of
 * what was claimed once, `state` has the attempts, when it fell due, and the claim.
 */
const common = `
  local due, claimed, payload, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local function read(text)
    local attempts, at, claim = string.match(text or '0 0 -', '(%S+) (%S+) (%S+)')
    return tonumber(attempts), at, claim
  end`

const putItems = `
  local function mayFallDue(id, at)
    if redis.call('ZSCORE', claimed, id) then return false end
    local known = redis.call('ZSCORE', due, id)
    return not known or (at < tonumber(known) and select(3, read(redis.call('HGET', state, id))) == '-')
  end
  for i = 1, #ARGV, 3 do
    local id, at = ARGV[i], now + math.floor(ARGV[i + 2])
    if redis.call('HSETNX', payload, id, ARGV[i + 1]) == 1 or mayFallDue(id, at) then
      redis.call('ZADD', due, at, id)
    end
  end
  return #ARGV / 3`

const claimDue = `
  local ended = redis.call('ZRANGEBYSCORE', claimed, '-inf', now, 'LIMIT', 0, 1000)
  for i, id in ipairs(ended) do
    redis.call('ZREM', claimed, id)
    redis.call('ZADD', due, select(2, read(redis.call('HGET', state, id))), id)
  end
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
  if #found == 0 then return {} end
  local ids, untils, states, rows = {}, {}, {}, {}
  for i = 1, #found, 2 do ids[#ids + 1] = found[i] end
  local payloads = redis.call('HMGET', payload, unpack(ids))
  local known = redis.call('HMGET', state, unpack(ids))
  for i, id in ipairs(ids) do
    -- A Redis that may evict has thrown away those without one.
    if payloads[i] then
      local attempt = read(known[i]) + 1
      rows[#rows + 1] = { id, payloads[i], attempt }
      untils[2 * #rows - 1], untils[2 * #rows] = now + math.floor(ARGV[2]), id
      states[2 * #rows - 1], states[2 * #rows] = id, attempt .. ' ' .. found[2 * i] .. ' ' .. ARGV[3]
    end
  end
  redis.call('ZREM', due, unpack(ids))
  if #rows == 0 then return rows end
  redis.call('ZADD', claimed, unpack(untils))
  redis.call('HSET', state, unpack(states))
  return rows`

const deleteClaimed = `
  local ids, mine = {}, {}
  for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
  for i, text in ipairs(redis.call('HMGET', state, unpack(ids))) do
    if select(3, read(text)) == ARGV[2 * i] then mine[#mine + 1] = ids[i] end
  end
  if #mine == 0 then return 0 end
  redis.call('ZREM', claimed, unpack(mine))
  redis.call('ZREM', due, unpack(mine))
  redis.call('HDEL', state, unpack(mine))
  return redis.call('HDEL', payload, unpack(mine))`

const returnClaimed = `
  local touched = 0
  for i = 1, #ARGV, 3 do
    local id = ARGV[i]
    local attempts, at, claim = read(redis.call('HGET', state, id))
    if claim == ARGV[i + 1] then
      if ARGV[i + 2] == '' then attempts = attempts - 1 else at = now + math.floor(ARGV[i + 2]) end
      redis.call('ZREM', claimed, id)
      redis.call('ZADD', due, at, id)
      redis.call('HSET', state, id, attempts .. ' ' .. at .. ' -')
      touched = touched + 1
    end
  end
  return touched`

const countItems = `
  return {
    redis.call('ZCOUNT', due, '(' .. now, '+inf'),
    redis.call('ZCOUNT', due, '-inf', now) + redis.call('ZCOUNT', claimed, '-inf', now),
    redis.call('ZCOUNT', claimed, '(' .. now, '+inf')
  }`
