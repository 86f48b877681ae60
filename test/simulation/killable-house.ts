import { openDatabase } from '#platform/database'
import { freshServer, type House, openHouse, type Scope, until } from '../harness.ts'
import type { TestServer, TestServerOptions } from '../postgres.ts'
import { type Service, startService } from './service.ts'

/** A service on a PostgreSQL of its own that keeps what it promised to keep, and both may be killed. */
export interface KillableHouse extends House {
  readonly service: Service
  readonly server: TestServer
  /** `kill -9` of a process of PostgreSQL, which takes all the others along; resolves when it answers again. */
  killPostgres(): Promise<void>
  /** `kill -9` of the service; resolves when it serves again. */
  killService(): Promise<void>
}

export async function openKillableHouse(
  scope: Scope,
  options: Pick<TestServerOptions, 'restartPausesMs'> = {},
): Promise<KillableHouse> {
  const within = inReverse(scope)
  const server = await freshServer(within, options)
  const house = await openHouse(within, { adminUrl: server.adminUrl })
  const service = await startService(house)
  let killed = 0
  return {
    ...house,
    service,
    server,
    async killPostgres() {
      // Its supervisor gives up a server whose first process ends again and again.
      const isFirst = killed < firstKillsMax
      killed += 1
      await (isFirst ? killPostmaster(server) : killLogWriter(server))
      await until('PostgreSQL answered', () => house.ownerSql.run('select').catch(() => null), patience)
    },
    async killService() {
      await service.kill()
      await service.start()
    },
  }
}

const firstKillsMax = 6
// Recovery syncs every file: it takes as long as the disk, which others use too.
const patience = { timeoutMs: 120_000 }

/** `kill -9` of the first process: the server is down until its supervisor has started it again. */
export async function killPostmaster(server: TestServer): Promise<void> {
  const killed = server.pid()
  process.kill(killed, 'SIGKILL')
  await until('PostgreSQL was started again', () => server.pid() !== killed && !server.postgres.problem(), patience)
}

/** The writer of the log: the first process ends all others, forgets what they shared, and recovers from the log. */
async function killLogWriter(server: TestServer): Promise<void> {
  const admin = openDatabase({ url: server.adminUrl, poolSize: 1 })
  const find = async () => {
    const found = await admin.sql
      .rows<{ pid: number }>(`select pid from pg_stat_activity where backend_type = 'walwriter'`)
      .catch(() => [])
    return found[0]?.pid
  }
  try {
    const killed = await until('the log had its writer', find, patience)
    process.kill(killed, 'SIGKILL')
    await until('the log had another writer', async () => ((await find()) ?? killed) !== killed, patience)
  } finally {
    await admin.close()
  }
}

/** What was opened first has to outlast what was opened on it; what cannot be closed keeps nothing else open. */
export function inReverse(scope: Scope): Scope {
  const runs: (() => Promise<void> | void)[] = []
  scope.after(async () => {
    let failure: unknown
    for (const run of runs.reverse()) {
      try {
        await run()
      } catch (error) {
        failure ??= error
      }
    }
    if (failure) throw failure
  })
  return { after: (run) => void runs.push(run) }
}
