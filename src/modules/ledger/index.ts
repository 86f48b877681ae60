export * from './commands.ts'
export { type FlowDay, listFlows } from './flows/flows.ts'
export { nightlyVerification } from './jobs.ts'
export {
  applyTransfers,
  type Batch,
  type LedgerLane,
  type LedgerLaneOptions,
  type LedgerOutcome,
  openLedgerLane,
} from './ledger.ts'
export { ledgerProblems } from './problems.ts'
export { findRollUpLag, foldBalances, keepBalancesFolded } from './rollup/rollup.ts'
export { isShownFromPayee } from './sides.ts'
export type { IssuedLot } from './state.ts'
export {
  type AccountState,
  closeAccount,
  type Entry,
  findAccounts,
  findEntries,
  findHold,
  findRefunded,
  findRolledBalance,
  findTransfer,
  findUnbooked,
  type JournalHold,
  type JournalTransfer,
  listEntries,
  listExpiring,
  listFirstLots,
  listLots,
  lockAccount,
  openAccounts,
  type Reads,
} from './statements/statements.ts'
export { keepDueBooked } from './sweeping.ts'
export { systemAccounts } from './system-accounts.ts'
export type { Difference } from './verify/differences.ts'
export { type RepairReport, repairLedger } from './verify/repair.ts'
export { type VerifyOptions, type VerifyProgress, type VerifyReport, verifyLedger } from './verify/verify.ts'
