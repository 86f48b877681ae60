import { eventSources } from '#catalogue'
import { openDatabase } from '#platform/database'
import { usualPatience } from '#platform/events/delivery'
import { hearLocally, keepEventsNumbered } from '#platform/events/relay'
import { isTakenInAlready } from '#platform/events/store'
import { type WithWork, type Work, workOver } from '#platform/work'
import type { Moment, Told } from './relay.ts'
import { earFor } from './talk.ts'

// A worker in a process of its own: it numbers what happens and hears of it. Told of a moment, it stops itself there,
// once, and says afterwards what became of that unit of work.

const database = openDatabase({ url: process.env.DATABASE_URL!, poolSize: 6, applicationName: 'relay', onError() {} })
let awaited: Moment | null = null
let stoppedIn: Moment['task'] | null = null
process.on('message', (moment: Moment) => {
  awaited = moment
})
// Whoever started it has gone.
process.on('disconnect', () => process.exit(1))
const tell = (told: Told) => void process.send!(told)

function stoppable(task: Moment['task']): WithWork {
  const withWork = workOver(database)
  return async (actor, run) => {
    const at = (point: Moment['point']) => {
      if (awaited?.task !== task || awaited.point !== point) return
      awaited = null
      stoppedIn = task
      tell({ is: 'stopped' })
      process.kill(process.pid, 'SIGSTOP')
    }
    at('before it begins')
    const ended = withWork(actor, async (work) => {
      const result = await run(watchingLease(work, () => at('before it looks at its lease')))
      at('before it commits')
      return result
    })
    ended.then(
      () => tellEnd('committed'),
      // It is tried again, held for what may have come before.
      (error: Error) => isTakenInAlready(error) || tellEnd(error.name),
    )
    return ended
  }
  function tellEnd(how: string): void {
    if (stoppedIn !== task) return
    stoppedIn = null
    tell({ is: 'ended', how })
  }
}

function watchingLease(work: Work, onLook: () => void): Work {
  const rows: Work['sql']['rows'] = (text, values) => {
    if (text.includes('platform.lease')) onLook()
    return work.sql.rows(text, values)
  }
  return { ...work, sql: { ...work.sql, rows } }
}

const hearing = {
  reads: database,
  sources: eventSources,
  patience: usualPatience,
  onFailure: (_: string, { error }: { error: unknown }) => tell({ is: 'failed', why: String(error) }),
  onError() {},
}
const heard = [
  hearLocally({ ...hearing, subscribers: [earFor('test.said')], withWork: stoppable('hearing') }),
  hearLocally({ ...hearing, subscribers: [earFor('points.spent')], withWork: workOver(database) }),
]
keepEventsNumbered({
  ...hearing,
  withWork: stoppable('numbering'),
  onNumbered() {
    for (const { wake } of heard) wake()
  },
})
