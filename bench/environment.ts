import { cpus, platform, release, totalmem } from 'node:os'
import type { Sql } from '#platform/database'

/** Where the figures are from; printed with them, since they mean little without. */
export type Environment = Readonly<Record<string, string>>

const shownSettings = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_compression',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
]

export async function readEnvironment(sql: Sql, run: { seconds: number; rounds: number }): Promise<Environment> {
  const settings = await sql.rows<{ name: string; value: string }>(
    `select name, current_setting(name) as value from pg_settings where name = any($1)`,
    [['server_version', ...shownSettings]],
  )
  const settingOf = (name: string) => settings.find((setting) => setting.name === name)?.value ?? 'unknown'
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${release()}`,
    node: process.version,
    postgresql: settingOf('server_version'),
    durability: shownSettings.map((name) => `${name}=${settingOf(name)}`).join(' '),
    measured: `${run.seconds} s a side, median of ${run.rounds} alternated rounds`,
    at: new Date().toISOString(),
  }
}
