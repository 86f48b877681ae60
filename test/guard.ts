import { after } from 'node:test'

const graceMs = 5_000

// Loaded before each test file. Without it, a file that leaves something open only shows as a timeout minutes later.
after(() => {
  setTimeout(() => {
    console.error(`Left open when the tests had ended: ${process.getActiveResourcesInfo().join(', ')}`)
    process.exit(1)
  }, graceMs).unref()
})
