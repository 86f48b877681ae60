import { assertGeneration, keepLease, type Lease, type LeaseKeeper } from '#platform/leases'
import { system, type WithWork, type Work } from '#platform/work'
import type { Reads } from '../statements/statements.ts'
import { findLag, foldWindow, isAnythingUnfolded, lockRollUp } from './store.ts'

/** Most rows of the journal in one fold, so that none takes long; of one transaction all are taken. */
const rowsMax = 20_000

/**
 * Folds what merchants and the system earned and gave into their stored balances, as far as the journal is complete;
 * answers whether there is more to fold at once. Their balance as read is the same before and after. Throws
 * `LeaseLost`, and writes nothing, where the lease is somebody else's.
 */
export async function foldBalances(work: Work, lease?: Lease): Promise<boolean> {
  const locked = lockRollUp(work.sql)
  const folded = foldWindow(work.sql, rowsMax)
  const [, { hasMore }] = await Promise.all([locked, folded])
  if (lease) await assertGeneration(work, lease)
  return hasMore
}

/** Every quarter of a second: whoever reads a balance adds up what has come since the last fold. */
const intervalMs = 250

/** Folds again and again, in one process of all that keep this. */
export function keepBalancesFolded(options: {
  readonly reads: Reads
  readonly withWork: WithWork
  readonly onError: (error: unknown) => void
}): LeaseKeeper {
  const { reads, withWork, onError } = options
  return keepLease({
    reads,
    name: 'ledger roll-up',
    intervalMs,
    onError,
    // Looking first costs no commit, so that a quiet database stays quiet.
    run: async (lease) =>
      (await isAnythingUnfolded(reads.sql)) && (await withWork(system, (work) => foldBalances(work, lease))),
  })
}

/** By how many seconds the stored balances of merchants and the system lag behind the journal. */
export function findRollUpLag(reads: Reads): Promise<number> {
  return findLag(reads.sql)
}
