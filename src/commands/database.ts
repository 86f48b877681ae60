import { isForeignCluster } from '#platform/cluster'
import type { Config } from '#platform/config'
import type { Database } from '#platform/database'
import { type EmbeddedPostgres, findEmbeddedPostgres, startEmbeddedPostgres } from '#platform/embedded-postgres'
import type { Logger } from '#platform/log'
import { findPendingMigrations } from '#platform/migrations'
import { holdsServer } from '#platform/postgres-folder'
import { StartProblem } from '#platform/start-problem'

/** A database that Podo may work with. */
export interface Site {
  readonly ownerUrl: string
  readonly serviceUrl: string
  /** The server that was started for it, or null where somebody else keeps it. */
  readonly embedded: EmbeddedPostgres | null
  close(): Promise<void>
}

/** The database of the settings, or else the server on the data folder, which this process starts and keeps. */
export async function startSite(config: Config, log: Logger): Promise<Site> {
  const named = namedSite(config)
  if (named) return named
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir, onNotice: (notice) => log.warn(notice) })
  return { ...pickUrls(embedded), embedded, close: () => embedded.stop() }
}

/** The database of the settings, or the one that a Podo keeps running on the data folder; null without either. */
export function findSite(config: Config): Site | null {
  const running = namedSite(config) ?? findEmbeddedPostgres(config.dataDir)
  return running && { ...pickUrls(running), embedded: null, close: async () => {} }
}

/**
 * A database that is there: as `findSite` finds it or, where nothing runs, the server on the data folder, started for
 * this process. None is made: in a mistyped folder, an empty one would agree with everything.
 */
export async function getSite(config: Config, log: Logger): Promise<Site> {
  const found = findSite(config)
  if (found) return found
  if (!holdsServer(config.dataDir)) throw noDatabase(config.dataDir)
  return startSite(config, log)
}

/** For whoever needs one that is there. */
export function noDatabase(dataDir: string): StartProblem {
  return new StartProblem({
    ko: `데이터 폴더(${dataDir})에 데이터베이스가 없습니다. PODO_DATA_DIR이나 DATABASE_URL을 확인하십시오. 새 데이터베이스는 "podo up"이 만듭니다.`,
    en: `There is no database in ${dataDir}. Check PODO_DATA_DIR or DATABASE_URL; "podo up" makes a new one.`,
  })
}

export function noSite(): StartProblem {
  return new StartProblem({
    ko: '데이터베이스가 없습니다. DATABASE_URL을 지정하거나, 같은 데이터 폴더에서 "podo up"을 먼저 실행하십시오.',
    en: 'There is no database. Set DATABASE_URL, or first run "podo up" on the same data folder.',
  })
}

function namedSite(config: Config): Site | null {
  if (!config.databaseUrl) return null
  const ownerUrl = config.databaseOwnerUrl ?? config.databaseUrl
  return { ownerUrl, serviceUrl: config.databaseUrl, embedded: null, close: async () => {} }
}

function pickUrls({ ownerUrl, serviceUrl }: { ownerUrl: string; serviceUrl: string }) {
  return { ownerUrl, serviceUrl }
}

/** Throws a StartProblem unless this version's `migrate` was there, in this cluster. */
export async function assertMigrated(database: Database): Promise<void> {
  const pending = await findPendingMigrations(database)
  if (pending.length > 0) throw notMigrated(pending)
  if (await isForeignCluster(database)) throw moved()
}

function notMigrated(pending: readonly string[]): StartProblem {
  return new StartProblem({
    ko: `데이터베이스에 적용되지 않은 마이그레이션이 있습니다(${pending.join(', ')}). 먼저 "podo migrate"를 실행하십시오.`,
    en: `The database lacks migrations (${pending.join(', ')}). Run "podo migrate" first.`,
  })
}

/** What is written there now would stand behind every watermark, and be missing from balances. */
function moved(): StartProblem {
  return new StartProblem({
    ko: '이 데이터베이스는 다른 PostgreSQL 클러스터에서 옮겨 온 것입니다. 먼저 "podo migrate"를 실행하십시오.',
    en: 'This database came from another PostgreSQL cluster. Run "podo migrate" first.',
  })
}
