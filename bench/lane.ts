import { type LedgerSettings, openLedgerLane } from '#modules/ledger'
import { openDatabase } from '#platform/database'
import { type WithWork, workOver } from '#platform/work'
import type { SpendCommand } from './spends.ts'

export const settings: LedgerSettings = { spendOrder: 'bonus-first', refundGraceDays: 30 }

export interface BenchLane {
  /** A spend that must succeed. */
  spend(command: SpendCommand): Promise<void>
  close(): Promise<void>
}

/** The ledger's lane over a pool of its own, as the service has it. */
export function openBenchLane(options: {
  url: string
  poolSize: number
  around?: (withWork: WithWork) => WithWork
}): BenchLane {
  const database = openDatabase({ url: options.url, poolSize: options.poolSize })
  const withWork = options.around?.(workOver(database)) ?? workOver(database)
  const lane = openLedgerLane({ withWork, settings })
  return {
    async spend(command) {
      const outcome = await lane.submit(command)
      if (outcome.status !== 'done') throw new Error(`a spend was not done: ${JSON.stringify(outcome)}`)
    },
    async close() {
      await lane.close()
      await database.close()
    },
  }
}
