import { keepLease, type LeaseKeeper } from '#platform/leases'
import { system, type WithWork, type Work } from '#platform/work'
import type { LedgerSettings } from './commands.ts'
import { bySystem } from './expiry.ts'
import { applyTransfers } from './ledger.ts'
import type { Reads } from './statements/statements.ts'
import { listDueAccounts } from './store.ts'

/** Few accounts in one unit of work: whoever wants one of them waits no longer than for anybody else's batch. */
const accountsMax = 50

/**
 * Books what has fallen due in wallets and pots that nobody asks for: holds that ran out, points past their expiry.
 * Those that somebody has locked are left to him, who books it himself. Answers whether there is more at once.
 */
export async function sweepDue(
  work: Work,
  { settings, accountIds }: { settings: LedgerSettings; accountIds: readonly string[] },
): Promise<boolean> {
  const commands = accountIds.map((walletId) => ({ ...bySystem, key: null, kind: 'expire' as const, walletId }))
  const outcomes = await applyTransfers(work, { commands, settings, wait: false })
  const booked = outcomes.filter(({ status }) => status === 'booked')
  return booked.length > 0 && (accountIds.length === accountsMax || booked.some((it) => 'more' in it && it.more))
}

/** What is due is booked about a second late where nobody asks for it, and never later than it is shown. */
const intervalMs = 1_000
/** Renewing a lease is a commit: a quiet database has one every few seconds. */
const ttlMs = 15_000

/** Sweeps again and again, in one process of all that keep this; of two at once each would book only what is due still. */
export function keepDueBooked(options: {
  readonly reads: Reads
  readonly withWork: WithWork
  readonly settings: LedgerSettings
  readonly onError: (error: unknown) => void
}): LeaseKeeper {
  const { reads, withWork, settings, onError } = options
  return keepLease({
    reads,
    name: 'ledger: what is due',
    ttlMs,
    intervalMs,
    onError,
    // Looking first is one question to an index, without a commit.
    async run() {
      const accountIds = await listDueAccounts(reads.sql, accountsMax)
      return accountIds.length > 0 && withWork(system, (work) => sweepDue(work, { settings, accountIds }))
    },
  })
}
