import { type Database, failureOf, type TransactionSql } from '#platform/database'
import { newId } from '#platform/ids'
import { lockRollUp } from '../rollup/store.ts'
import { groupOf, type Inspection, inspectGroup } from './accounts.ts'
import { type Difference, isMendable, isRemark } from './differences.ts'
import {
  insertRepair,
  listLotless,
  lockAccount,
  removeHolds,
  removeLots,
  rewriteAccount,
  rewriteBalances,
  rewriteHolds,
  rewriteLots,
} from './repair-store.ts'
import type { VerifyReport } from './verify.ts'

/** What a repair has done. */
export interface RepairReport {
  /** Differences that were mended. */
  readonly mended: number
  /** Wrong remarks of the journal that were written down; the journal itself is never changed. */
  readonly writtenDown: number
  /** Accounts that could not be mended now, with the reason. */
  readonly failed: readonly { readonly accountId: string | null; readonly error: unknown }[]
}

/**
 * Makes the projections that a verification found wrong again from the journal, each account under its lock in short
 * transactions, and writes down what was mended. `owner` has to be the owner of the database: the service may not
 * remove anything. Of an account whose journal contradicts itself nothing is made again.
 */
export async function repairLedger(owner: Database, report: VerifyReport): Promise<RepairReport> {
  let [mended, writtenDown] = [0, 0]
  const failed: { accountId: string | null; error: unknown }[] = []
  const attempt = async (accountId: string | null, repair: () => Promise<readonly Difference[]>) => {
    for (let attempts = 1; ; attempts += 1) {
      try {
        for (const difference of await repair()) {
          if (isRemark(difference)) writtenDown += 1
          else mended += 1
        }
        return
      } catch (error) {
        if (failureOf(error) === 'retry' && attempts < attemptsMax) continue
        failed.push({ accountId, error })
        return
      }
    }
  }
  const { mendable, contradicted, balances } = report
  for (const [accountId, known] of mendable) {
    const isContradicted = contradicted.has(accountId)
    await attempt(accountId, () => repairAccount(owner, { accountId, known, isContradicted }))
  }
  const isContradicted = contradicted.size > 0
  if (balances.differences.length > 0) await attempt(null, () => repairBalances(owner, { ...balances, isContradicted }))
  return { mended, writtenDown, failed }
}

const attemptsMax = 5

/** Projections made from a journal that contradicts itself would only carry the damage on. */
class JournalContradiction extends Error {
  constructor() {
    super('its journal contradicts itself')
    this.name = 'JournalContradiction'
  }
}

async function repairAccount(
  owner: Database,
  wrong: { accountId: string; known: readonly Difference[]; isContradicted: boolean },
): Promise<readonly Difference[]> {
  const { accountId, isContradicted } = wrong
  if (isContradicted) throw new JournalContradiction()
  const done: Difference[] = []
  const known = [...wrong.known]
  await inspectGroup(owner, groupOf(accountId), {
    begin: (sql) => lockAccount(sql, accountId),
    async end(sql, inspection) {
      const differences = [...inspection.differences.filter(isMendable), ...known.splice(0)]
      if (differences.length === 0) return
      const contradictions = [...inspection.recounts.values()].flatMap((it) => it.contradictions)
      if (!contradictions.every(isRemark)) throw new JournalContradiction()
      rewrite(sql, { ...inspection, differences })
      insertRepair(sql, { id: newId(), accountId, differences })
      done.push(...differences)
    },
  })
  return done
}

function rewrite(sql: TransactionSql, { recounts, differences }: Inspection): void {
  const idsOf = (kind: Difference['kind'], isKnown: boolean) => {
    const wanted = differences.filter(
      (difference) => difference.kind === kind && isKnownToJournal(difference) === isKnown,
    )
    return [...new Set(wanted.map((difference) => difference.id))]
  }
  removeLots(sql, idsOf('lot', false))
  removeHolds(sql, idsOf('hold', false))
  for (const recount of recounts.values()) {
    rewriteLots(
      sql,
      idsOf('lot', true).flatMap((id) => recount.lots.get(id) ?? []),
    )
    rewriteHolds(
      sql,
      idsOf('hold', true).flatMap((id) => recount.holds.get(id) ?? []),
    )
    rewriteAccount(sql, recount)
  }
}

function isKnownToJournal({ field, expected }: Difference): boolean {
  return field !== 'existence' || expected !== null
}

/** At the place up to which the journal was read; nobody folds meanwhile, and who folds next goes on from there. */
async function repairBalances(
  owner: Database,
  wrong: VerifyReport['balances'] & { isContradicted: boolean },
): Promise<readonly Difference[]> {
  if (wrong.isContradicted) throw new JournalContradiction()
  const { position, expected, differences } = wrong
  return owner.transaction(async (sql) => {
    await lockRollUp(sql)
    const accountIds = await listLotless(sql)
    const balances = accountIds.map((accountId) => ({ accountId, ...(expected.get(accountId) ?? nothing) }))
    rewriteBalances(sql, { position, balances })
    insertRepair(sql, { id: newId(), accountId: null, differences })
    return differences
  })
}

const nothing = { bonus: 0n, prize: 0n, paid: 0n }
