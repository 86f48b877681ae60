import { type Database, openDatabase } from '#platform/database'
import { parsePostgresUrl } from '#platform/postgres-url'
import { freshServer, type House, openHouse, type Scope, until } from '../harness.ts'
import { startTestServer, type TestServer } from '../postgres.ts'
import { inReverse } from './killable-house.ts'
import { type Service, startService } from './service.ts'

/** One of two servers. */
export interface Member {
  /** Its superuser's view, whatever it is now. */
  readonly admin: Database
  /** Sends a signal to every process of it at once, as if it were the machine's power. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
}

/** A service on a PostgreSQL that another one follows; all but `primary` and `standby` goes where writes are taken. */
export interface ReplicatedHouse extends House {
  readonly service: Service
  /** Takes writes at first. */
  readonly primary: Member
  /** Follows it, until it is promoted. */
  readonly standby: Member & { promote(): Promise<void> }
  /** From now on nothing that the primary commits reaches the standby. */
  cutReplication(): Promise<void>
}

export async function openReplicatedHouse(
  scope: Scope,
  { isSynchronous }: { isSynchronous: boolean },
): Promise<ReplicatedHouse> {
  const within = inReverse(scope)
  const [primary, standby] = await startPair(within, isSynchronous)
  const ports = [primary, standby].map(({ adminUrl }) => parsePostgresUrl(adminUrl)!.place.split('/')[0])
  const adminUrl = primary.adminUrl.replace(/@[^/]+/, `@${ports.join()}`)
  const house = await openHouse(within, { adminUrl })
  const service = await startService(house)
  const leader = openMember(within, primary)
  const follower = openMember(within, standby)
  await until('the standby followed', async () => {
    const rows = await leader.admin.sql.rows<{ state: string }>('select sync_state as state from pg_stat_replication')
    return rows.some(({ state }) => state === (isSynchronous ? 'sync' : 'async'))
  })
  return {
    ...house,
    service,
    primary: leader,
    standby: {
      ...follower,
      async promote() {
        await follower.admin.sql.rows('select pg_promote()')
      },
    },
    async cutReplication() {
      const rows = await leader.admin.sql.rows<{ pid: number }>('select pid from pg_stat_replication')
      process.kill(rows[0]!.pid, 'SIGSTOP')
    },
  }
}

/** Both begin as copies of one that has its template; neither is started again when it ends. */
async function startPair(scope: Scope, isSynchronous: boolean): Promise<[TestServer, TestServer]> {
  const seed = await freshServer(scope)
  await seed.postgres.stop()
  const copy = { durable: true, copyOf: seed, restartPausesMs: [] }
  const names = isSynchronous ? 'standby' : ''
  const primary = await startTestServer({ ...copy, settings: { synchronous_standby_names: names } })
  scope.after(() => primary.remove())
  const { hostname, port, username, password } = new URL(primary.adminUrl)
  const followed = { host: hostname, port, user: username, password, application_name: 'standby' }
  const text = Object.entries(followed).map((pair) => pair.join('='))
  const standby = await startTestServer({ ...copy, isStandby: true, settings: { primary_conninfo: text.join(' ') } })
  scope.after(() => standby.remove())
  return [primary, standby]
}

function openMember(scope: Scope, server: TestServer): Member {
  const admin = openDatabase({ url: server.adminUrl, poolSize: 1, onError() {} })
  let stopped: readonly number[] = []
  scope.after(async () => {
    // What is stopped hears no other signal.
    for (const pid of stopped) kill(pid, 'SIGCONT')
    await admin.close()
  })
  return {
    admin,
    async signal(signal) {
      if (stopped.length === 0) {
        // Stopped first, it starts no more.
        process.kill(server.pid(), 'SIGSTOP')
        const rows = await admin.sql.rows<{ pid: number }>('select pid from pg_stat_activity')
        stopped = [...rows.map(({ pid }) => pid), server.pid()]
      }
      for (const pid of stopped) kill(pid, signal)
      if (signal !== 'SIGSTOP') stopped = []
    },
  }
}

/** A process that has ended meanwhile is no failure. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
