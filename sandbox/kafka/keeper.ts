import { type Brokers, endBrokers, openBrokers } from './brokers.ts'

// Keeps a broker for the process that started this one, and ends it with that process, however that one ends.

let kafka: Brokers | null = null
process.once('disconnect', async () => {
  await kafka?.kill()
  process.exit()
})
const folder = process.argv[2]!
await endBrokers(folder)
kafka = await openBrokers(folder)
process.send!(kafka.addresses[0])
