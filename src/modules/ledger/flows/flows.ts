import type { Reads } from '../statements/statements.ts'
import { selectFlows } from './store.ts'

/** What crossed from payers to payees on a day, by transfers of one kind; sums are decimal, for they may be large. */
export interface FlowDay {
  /** A day like 2026-11-20, of the time zone that was asked for. */
  readonly day: string
  readonly kind: string
  readonly paid: string
  readonly bonus: string
  readonly prize: string
}

/** Most rows of the journal that are added up in one statement. */
const rowsMax = 50_000

/**
 * The next stretch of the journal, from a watermark on: its sums, and the watermark to go on from. Each transfer
 * is in exactly one stretch. The first watermark is 0.
 */
export function listFlows(
  reads: Reads,
  input: { after: number; timeZone: string; rowsMax?: number },
): Promise<{ upTo: number; hasMore: boolean; days: readonly FlowDay[] }> {
  return selectFlows(reads.sql, { rowsMax, ...input })
}
