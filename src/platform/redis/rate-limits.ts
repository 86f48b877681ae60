import { hash } from 'node:crypto'
import { newId } from '../ids.ts'
import { type Allowance, type LocalRateCounter, openRateCounter, type RateCounter } from '../rate-limits.ts'
import type { Redis } from './connection.ts'

const shareEveryMs = 100
const keysInOne = 1_000
const keysMax = 50_000

/** What happened to one count since it was shared last. */
interface Change {
  readonly allowance: Allowance
  readonly key: string
  /** What was taken, in the time that it takes to come back. */
  owedMs: number
  isForgotten: boolean
}

/**
 * A counter of each process that tells the others ten times a second what it counted, and hears what they did. Nobody
 * waits for that: between two times, and for as long as Redis is away, each process counts by itself.
 */
export function openSharedRateCounter(
  redis: Redis,
  own: LocalRateCounter = openRateCounter(),
): RateCounter & { close(): Promise<void> } {
  const changes = new Map<string, Change>()
  const process = newId()
  let batch: readonly (readonly [name: string, change: Change])[] = []
  let number = 0
  let sharing: Promise<void> | null = null

  const changeOf = (allowance: Allowance, key: string): Change => {
    const name = `${allowance.name} ${key}`
    let change = changes.get(name)
    if (change) return change
    change = { allowance, key, owedMs: 0, isForgotten: false }
    // While Redis is away the oldest are forgotten: it is known what is owed, not what was shared of it.
    if (changes.size >= keysMax) changes.delete(changes.keys().next().value!)
    changes.set(name, change)
    return change
  }
  const share = async () => {
    if (batch.length === 0) {
      batch = [...changes].slice(0, keysInOne)
      for (const [name] of batch) changes.delete(name)
      number += 1
    }
    if (batch.length === 0) return
    // One that was not answered goes again under its number, and is not counted twice.
    const owed = await redis.ask((client) =>
      client.eval(script, 1 + batch.length, `rates:${process}`, ...batch.map(keyOf), number, ...batch.flatMap(told)),
    )
    if (!isAnswer(owed, batch.length)) return
    for (const [at, [name, { allowance, key }]] of batch.entries()) {
      const since = changes.get(name)
      if (!since?.isForgotten) own.settle(allowance, { key, owedMs: Number(owed[at]) + (since?.owedMs ?? 0) })
    }
    batch = []
  }
  /** What this process knows goes along, for where Redis knows nothing. */
  const told = ([name, { allowance, key, owedMs, isForgotten }]: (typeof batch)[number]) => {
    const since = changes.get(name)
    const known = since?.isForgotten ? 0 : own.owedMs(allowance, key) - (since?.owedMs ?? 0)
    return [owedMs, Math.max(0, known), Number(isForgotten), allowance.seconds * 1_000]
  }
  const shareInTurn = () => {
    sharing ??= share().finally(() => {
      sharing = null
    })
    return sharing
  }
  const timer = setInterval(shareInTurn, shareEveryMs)

  return {
    take(allowance, { key, amount }) {
      const taking = own.take(allowance, { key, amount })
      const change = changeOf(allowance, key)
      if (taking.isTaken) change.owedMs += timeOf(allowance, amount)
      return taking
    },
    add(allowance, { key, amount }) {
      own.add(allowance, { key, amount })
      changeOf(allowance, key).owedMs += timeOf(allowance, amount)
    },
    forget(allowance, key) {
      own.forget(allowance, key)
      const change = changeOf(allowance, key)
      change.owedMs = 0
      change.isForgotten = true
    },
    async close() {
      clearInterval(timer)
      await sharing
      await shareInTurn()
    },
  }
}

/**
 * Adds to each count what one process took, and answers what is owed of it. What stands there is when everything will
 * be back, by the clock of Redis. It stays for as long as any process may owe more than is owed, so that what was
 * forgotten is not told anew.
 */
const script = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + time[2] / 1000
  local last = tonumber(redis.call('GET', KEYS[1])) or 0
  local isNew = tonumber(ARGV[1]) > last
  if isNew then redis.call('SET', KEYS[1], ARGV[1], 'EX', 3600) end
  local answer = {}
  for i = 2, #KEYS do
    local at = 4 * (i - 2) + 2
    local taken, known, all = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 3])
    local found = redis.pcall('GET', KEYS[i])
    local full = type(found) == 'string' and tonumber(found)
    local owed = full and math.max(0, full - now) or known
    if isNew and ARGV[at + 2] == '1' then owed = math.max(0, taken)
    elseif isNew and full then owed = math.max(0, owed + taken) end
    owed = math.min(owed, 2 * all)
    redis.call('SET', KEYS[i], string.format('%.3f', now + owed), 'PX', string.format('%d', 2 * all))
    answer[i - 1] = string.format('%.3f', owed)
  end
  return answer`

/** Addresses and accounts stay here. */
function keyOf([name]: readonly [name: string, change: Change]): string {
  return `rate:${hash('sha256', name, 'base64url').slice(0, 22)}`
}

function timeOf({ amount: whole, seconds }: Allowance, amount: number): number {
  return (amount * seconds * 1_000) / whole
}

function isAnswer(owed: unknown, length: number): owed is readonly string[] {
  return Array.isArray(owed) && owed.length === length && owed.every((each) => Number.isFinite(Number(each)))
}
