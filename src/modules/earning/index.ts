export { earningActs } from './acts.ts'
export { earningSubscriber } from './handlers.ts'
export { earningProblems } from './problems.ts'
export { earningRoutes } from './routes.ts'
