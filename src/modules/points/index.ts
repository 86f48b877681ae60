export { pointsActs } from './audit.ts'
export { findHearers, journal, pointsEvents } from './events.ts'
export {
  applyImport,
  checkImport,
  findImport,
  type ImportCheck,
  type Importing,
  type ImportResult,
  type OpeningFile,
} from './imports/imports.ts'
export type { ImportMistake } from './imports/rules.ts'
export { openPoints, type Points, type PointsSettings } from './points.ts'
export { pointsProblems } from './problems.ts'
export { type PointsOperationsOptions, pointsOperations } from './queue.ts'
export { type PointsRoutesOptions, pointsRoutes } from './routes.ts'
