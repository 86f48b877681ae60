export { opsActs } from './acts.ts'
export { opsProblems } from './problems.ts'
export { opsRoutes } from './routes.ts'
export { statisticsJob } from './statistics/statistics.ts'
