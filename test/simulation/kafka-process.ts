import { openDatabase } from '#platform/database'
import { workOver } from '#platform/work'
import { hearIn } from '../kafka-house.ts'

// A worker in a process of its own, which publishes what happens and listens, until it is killed.

const { DATABASE_URL: url, KAFKA: kafka } = process.env
const database = openDatabase({ url: url!, poolSize: 8, applicationName: 'kafka process', onError() {} })
// Whoever started it has gone.
process.on('disconnect', () => process.exit(1))
hearIn({ database, withWork: workOver(database) }, { kafka: JSON.parse(kafka!), onLine: (line) => process.send!(line) })
