export {
  bookTransfer,
  bookTransfers,
  getHold,
  getTransfer,
  getWallet,
  type Instruction,
  listStatement,
  listWalletLots,
  openPoints,
  type Points,
  type PointsSettings,
  type Receipt,
  type WalletState,
} from './points.ts'
export { pointsProblems } from './problems.ts'
export { type PointsRoutesOptions, pointsRoutes } from './routes.ts'
