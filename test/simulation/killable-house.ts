import { freshServer, type House, openHouse, type Scope, until } from '../harness.ts'
import type { TestServer } from '../postgres.ts'
import { type Service, startService } from './service.ts'

/** A service on a PostgreSQL of its own that keeps what it promised to keep, and both may be killed. */
export interface KillableHouse extends House {
  readonly service: Service
  readonly server: TestServer
  /** `kill -9` of PostgreSQL's first process, which takes all the others along; resolves when it answers again. */
  killPostgres(): Promise<void>
  /** `kill -9` of the service; resolves when it serves again. */
  killService(): Promise<void>
}

export async function openKillableHouse(scope: Scope): Promise<KillableHouse> {
  const within = inReverse(scope)
  const server = await freshServer(within)
  const house = await openHouse(within, { adminUrl: server.adminUrl })
  const service = await startService(house)
  return {
    ...house,
    service,
    server,
    async killPostgres() {
      const killed = server.pid()
      process.kill(killed, 'SIGKILL')
      await until('PostgreSQL was started again', () => server.pid() !== killed && !server.postgres.problem())
      await until('PostgreSQL answered', () => house.ownerSql.run('select').catch(() => null))
    },
    async killService() {
      await service.kill()
      await service.start()
    },
  }
}

/** What was opened first has to outlast what was opened on it. */
function inReverse(scope: Scope): Scope {
  const runs: (() => Promise<void> | void)[] = []
  scope.after(async () => {
    for (const run of runs.reverse()) await run()
  })
  return { after: (run) => void runs.push(run) }
}
