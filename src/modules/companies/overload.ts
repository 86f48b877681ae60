import { setTimeout as delay } from 'node:timers/promises'
import { type Origin, recordAct } from '#platform/audit'
import type { Sql } from '#platform/database'
import type { Work } from '#platform/work'
import { companiesActs } from './acts.ts'
import { type Company, getCompany } from './companies.ts'
import { selectQueuing, updateOnOverload } from './store.ts'

/** What becomes of a company's requests that there is no room for, or no database: refused, or taken on to wait. */
export const overloadChoices = ['refuse', 'queue'] as const
/** One of them. */
export type OnOverload = (typeof overloadChoices)[number]

/** Chooses for a company, and writes down who did. Throws `companyUnknown`. */
export async function chooseOnOverload(
  work: Work,
  { companyId, onOverload, origin }: { companyId: string; onOverload: OnOverload; origin: Origin },
): Promise<Company> {
  const company = await getCompany(work, companyId)
  await updateOnOverload(work, { companyId, onOverload })
  recordAct(work, {
    action: companiesActs.changeCompany,
    target: { prefix: 'cmp', id: companyId },
    before: { onOverload: company.onOverload },
    after: { onOverload },
    origin,
  })
  return { ...company, onOverload }
}

/** Which companies' requests wait rather than being refused, as far as a process knows: also without the database. */
export interface Queuing {
  has(companyId: string): boolean
  /** Looks at once. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** How long another process's choice may go unnoticed. */
const lookIntervalMs = 2_000

/** Looks every other second who chose to wait, until it is closed; what fails leaves what is known. */
export function keepQueuingKnown(reads: { readonly sql: Sql }): Queuing {
  const stop = new AbortController()
  let known: ReadonlySet<string> = new Set()
  const refresh = async () => {
    known = new Set(await selectQueuing(reads))
  }
  const ended = (async () => {
    while (!stop.signal.aborted) {
      await refresh().catch(() => {})
      await delay(lookIntervalMs, undefined, { signal: stop.signal }).catch(() => {})
    }
  })()
  return {
    has: (companyId) => known.has(companyId),
    refresh,
    close() {
      stop.abort()
      return ended
    },
  }
}
