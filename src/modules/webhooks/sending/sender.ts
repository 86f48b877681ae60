import { failureOf, type Sql } from '#platform/database'
import { toPublicId } from '#platform/ids'
import { openOutage } from '#platform/outage'
import { system, type Work } from '#platform/work'
import type { Attempt } from '../deliveries/store.ts'
import { giveUpEndpoint, secretPurpose, tellUnsigned } from '../endpoints/endpoints.ts'
import type { Webhooks } from '../webhooks.ts'
import { post } from './post.ts'
import { type Attempted, judge, type Silence } from './rules.ts'
import { signMessage } from './signature.ts'
import { type Claimed, claimDue, findLag, noteDone, noteFailing, notePutOff, noteWorking } from './store.ts'

/**
 * At once in one process, and of them for one endpoint. No guard stands before a receiver: its breaker would be one for
 * each process, while the pause after a failure is one for all of them, and kept.
 */
const sendingMax = 128
const perEndpointMax = 4
const timeoutMs = 15_000
/** Longer than an attempt takes: then whoever made it has died. */
const claimSeconds = 60
const failingMs = 3 * 86_400_000
const intervalMs = 200
const closingMs = 5_000

/** An attempt to send something, as whoever watches is told of it. */
export interface Told {
  readonly endpointId: string
  readonly deliveryId: string
  readonly type: string
  readonly attempt: Attempt
  /** Why there was no answer; null where there was one. */
  readonly why: Silence | null
  /** Whether the endpoint was switched off for it. */
  readonly isOff: boolean
}

/** What sending needs. */
export interface Sending extends Pick<Webhooks, 'database' | 'withWork' | 'sealing' | 'places'> {
  readonly onAttempt: (told: Told) => void
  /** Told of each failure of ours; of a database that is away once, until it is back. */
  readonly onError: (error: unknown) => void
}

/** Sends what is due to be sent, for as long as it is open. Any number of processes share the work. */
export function keepSending(by: Sending): { close(): Promise<void> } {
  const [stop, abort] = [new AbortController(), new AbortController()]
  const outage = openOutage(by.onError)
  const busy = new Map<string, number>()
  const sending = new Set<Promise<void>>()
  const rest = openRest(stop.signal)

  const tell = (error: unknown) =>
    failureOf(error) === 'unavailable' ? outage.noticed(error as Error) : by.onError(error)

  const begin = (claimed: Claimed) => {
    const { endpointId } = claimed
    busy.set(endpointId, (busy.get(endpointId) ?? 0) + 1)
    const sent = send({ ...by, signal: abort.signal }, claimed)
      .catch(tell)
      .finally(() => {
        const left = busy.get(endpointId)! - 1
        if (left > 0) busy.set(endpointId, left)
        else busy.delete(endpointId)
        sending.delete(sent)
        rest.end()
      })
    sending.add(sent)
  }

  const claim = async () => {
    const limit = sendingMax - sending.size
    if (limit === 0) return
    for (const each of await claimDue(by.database, { busy, limit, perEndpointMax, claimSeconds })) begin(each)
    outage.reached()
  }

  const loop = async () => {
    while (!stop.signal.aborted) {
      rest.begin()
      await claim().catch(tell)
      await rest.over()
    }
  }

  const ended = loop()
  return {
    async close() {
      stop.abort()
      rest.end()
      await ended
      const patience = setTimeout(() => abort.abort(), closingMs)
      await Promise.all(sending)
      clearTimeout(patience)
    },
  }
}

/** By how many seconds sending lags behind; receivers that fail, or asked to be left alone, are not waited for. */
export function findSendingLag(reads: { readonly sql: Sql }): Promise<number> {
  return findLag(reads)
}

/** The pause between two looks, which ends early where something was sent meanwhile: there is room for more. */
function openRest(signal: AbortSignal) {
  let isOver = false
  let wake = () => {}
  return {
    begin() {
      isOver = false
    },
    end() {
      isOver = true
      wake()
    },
    over: () =>
      new Promise<void>((resolve) => {
        if (isOver || signal.aborted) return resolve()
        const timer = setTimeout(resolve, intervalMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
  }
}

/** Sends one delivery, and notes what came of it. What is cut off because we end is nobody's fault: it is sent again. */
async function send(by: Sending & { signal: AbortSignal }, claimed: Claimed): Promise<void> {
  const startedAt = performance.now()
  const attempted = await attemptOf(by, claimed)
  if (by.signal.aborted && attempted.statusCode === null) return
  const attempt: Attempt = {
    number: claimed.attempt,
    at: claimed.at,
    durationMs: Math.round(performance.now() - startedAt),
    statusCode: attempted.statusCode,
    error: attempted.error,
  }
  const isOff = await by.withWork(system, (work) => note(work, { claimed, attempted, attempt }))
  const why = attempted.statusCode === null ? attempted.why : null
  by.onAttempt({ endpointId: claimed.endpointId, deliveryId: claimed.id, type: claimed.type, attempt, why, isOff })
}

async function attemptOf(by: Sending & { signal: AbortSignal }, claimed: Claimed): Promise<Attempted> {
  const { url, body, nowMs } = claimed
  const secrets = claimed.sealedSecrets.flatMap((sealed) => by.sealing.open(secretPurpose, sealed) ?? [])
  // Sealed with another key than the one of this process: what is not signed is not sent.
  if (secrets.length === 0)
    return { statusCode: null, error: 'The secret cannot be read any more: rotate it', why: 'unsigned' }
  const message = { id: toPublicId('evt', claimed.eventId), timestamp: Math.floor(nowMs / 1_000), body }
  const headers = {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'user-agent': 'Podo-Webhooks',
    ...signMessage(message, secrets),
  }
  return post(by.places, { url, headers, body, nowMs, timeoutMs, signal: by.signal })
}

/** Answers whether the endpoint was switched off for it. */
async function note(work: Work, it: { claimed: Claimed; attempted: Attempted; attempt: Attempt }): Promise<boolean> {
  const { id, endpointId, attempts } = it.claimed
  const noted = { id, attempt: it.attempt }
  const verdict = judge(it.attempted, { attempts, random: Math.random() })
  const isLast = await ('delayMs' in verdict
    ? notePutOff(work, { ...noted, delayMs: verdict.delayMs })
    : noteDone(work, { ...noted, status: verdict.kind === 'delivered' ? 'delivered' : 'failed' }))
  if (!isLast) return false
  if (verdict.kind === 'gone') return giveUpEndpoint(work, { endpointId, reason: 'gone' })
  if (verdict.kind === 'delivered') await noteWorking(work, endpointId)
  if (verdict.kind === 'unsigned') await tellUnsigned(work)
  if (!('pauseMs' in verdict)) return false
  const isOver = await noteFailing(work, { endpointId, pauseMs: verdict.pauseMs, failingMs })
  return isOver && giveUpEndpoint(work, { endpointId, reason: 'failing' })
}
