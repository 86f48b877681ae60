import type { FastifyRequest } from 'fastify'
import type { Caller } from './access.ts'
import { isAway } from './http-failures.ts'
import { prefersAsync } from './http-headers.ts'

/** Who is let in by memory, while the database is away; null for whoever it does not know. */
export type RecallCaller = (request: Pick<FastifyRequest, 'headers' | 'method' | 'address'>) => Promise<Caller | null>

/**
 * How long the database may take to say who somebody is before it counts as away for a request that can do without it.
 * Any other waits for as long as the question may: whoever is known without the database is not answered without it.
 */
const patienceMs = 1_000

/** Who the database says that it is; where it does not answer, who is known without it. */
export async function orRecalled(
  asked: Promise<Caller | null>,
  { request, recall }: { request: Parameters<RecallCaller>[0]; recall: RecallCaller | undefined },
): Promise<Caller | null> {
  const late = Promise.withResolvers<'late'>()
  const isPatient = request.method !== 'GET' && !prefersAsync(request.headers)
  // A process that was busy for so long has the answer already, and hears of it after its timers.
  const timer = isPatient ? undefined : setTimeout(() => setImmediate(late.resolve, 'late'), patienceMs)
  try {
    const first = await Promise.race([asked, late.promise])
    return first === 'late' ? ((await recall?.(request)) ?? (await asked)) : first
  } catch (error) {
    const recalled = isAway(error) ? await recall?.(request) : null
    if (!recalled) throw error
    return recalled
  } finally {
    clearTimeout(timer)
  }
}
