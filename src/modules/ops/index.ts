export { opsActs } from './acts.ts'
export { getDeadLetter, redriveDeadLetters } from './dead-letters/dead-letters.ts'
export {
  deadLetterFilterSchema,
  readDeadLetterFilter,
  readDeadLetterId,
  toDeadLetterBody,
} from './dead-letters/schemas.ts'
export { opsProblems } from './problems.ts'
export { opsRoutes } from './routes.ts'
export { statisticsJob } from './statistics/statistics.ts'
