import pg from 'pg'
import { connectionTo } from './connections.ts'
import type { Work } from './work.ts'

/** The release of graphile-worker whose tables these are; another one brings its own migrations. */
const release = '0.18.0'

/**
 * Makes or renews the tables of the job queue as the owner of the database, and lets the service work on them. They
 * belong to the queue's package, not to our migrations, and stand in a schema of its own, `graphile_worker`.
 */
export async function prepareJobQueue(owner: pg.Client, url: string): Promise<void> {
  const found = await owner.query<{ note: string | null; isOpen: boolean }>(
    `select obj_description(oid, 'pg_namespace') as note,
       has_schema_privilege('podo_service', oid, 'usage') as "isOpen"
     from pg_namespace where nspname = 'graphile_worker'`,
  )
  const note = `graphile-worker ${release}`
  if (found.rows[0]?.note === note) {
    // A restore into a cluster without the role loses its rights.
    if (!found.rows[0].isOpen) await owner.query(grants)
    return
  }
  const { Logger, runMigrations } = await import('graphile-worker')
  const pool = new pg.Pool({ ...connectionTo(url), max: 2, application_name: 'podo migrate' })
  pool.on('error', () => {})
  pool.on('connect', (connection) => connection.on('error', () => {}))
  try {
    await runMigrations({ pgPool: pool, logger: new Logger(() => () => {}) })
  } finally {
    await pool.end()
  }
  await owner.query(grants)
  await owner.query(`comment on schema graphile_worker is '${note}'`)
}

/**
 * The crontab of a job that comes round once a day at a time like 03:30 of a zone. The queue counts in UTC; how far the
 * zone is from it now is kept, so where clocks change the hour is another until the next start.
 */
export function dailyAt(time: string, { timeZone, now }: { timeZone: string; now: Date }): string {
  const today = now.toTemporalInstant().toZonedDateTimeISO(timeZone)
  const { minute, hour } = today.withPlainTime(time).withTimeZone('UTC')
  return `${minute} ${hour} * * *`
}

/**
 * A job for later, in the unit of work that wants it: undone with it, and seen by workers only after its commit. It
 * takes the place of one of the same `key` that still waits.
 */
export async function addJob(
  work: Work,
  job: { name: string; payload: unknown; attemptsMax: number; key?: string },
): Promise<void> {
  await work.sql.run('select graphile_worker.add_job($1, $2::json, max_attempts => $3, job_key => $4)', [
    job.name,
    JSON.stringify(job.payload),
    job.attemptsMax,
    job.key ?? null,
  ])
}

/** Its tables have row-level security and no policy: only their owner would see a row. */
const grants = `
  do $$
  declare
    name text;
  begin
    grant usage on schema graphile_worker to podo_service;
    grant select, insert, update, delete on all tables in schema graphile_worker to podo_service;
    grant usage on all sequences in schema graphile_worker to podo_service;
    grant execute on all functions in schema graphile_worker to podo_service;
    for name in
      select c.relname from pg_class c
      where c.relnamespace = 'graphile_worker'::regnamespace and c.relrowsecurity
        and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'service')
    loop
      execute format('create policy service on graphile_worker.%I to podo_service
        using (true) with check (true)', name);
    end loop;
  end
  $$`
