export { opsRoutes } from './routes.ts'
export { statisticsJob } from './statistics/statistics.ts'
