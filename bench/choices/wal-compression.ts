import { hotSeed } from '../seed.ts'
import type { Ground, Stage } from '../stage.ts'
import type { Choice, Trial } from './choice.ts'
import { measureKeys, plantKeys } from './keys.ts'

/** Whether pages of random keys are compressed when they are logged whole. */
export const walCompression: Choice = {
  name: 'wal_compression',
  counts: 'keys stored',
  chosen: 'off',
  play: (stage, compare) =>
    stage.withGround(hotSeed, async (ground) => {
      await plantKeys(ground.owner.sql, stage.transfersPresent / 5)
      const keys = await readKeys(ground)
      const buffersMb = Math.max(16, Math.round(keys.indexMb / 4))
      const compress = (method: string) => async (): Promise<Trial> => {
        await stage.admin.sql.run(`alter database ${keys.database} set wal_compression = ${method}`)
        const trial = await measureKeys(stage, { ground, batches: 40 })
        const index = { name: 'index of the keys', value: keys.indexMb, unit: 'MiB' }
        return { ...trial, costs: [...trial.costs, index, { name: 'shared_buffers', value: buffersMb, unit: 'MB' }] }
      }
      await stage.server.restart({ shared_buffers: `${buffersMb}MB` })
      try {
        const methods = await listMethods(stage)
        await compare(Object.fromEntries(methods.map((method) => [method, compress(method)])))
      } finally {
        await stage.server.restart()
      }
    }),
}

/** Those that this PostgreSQL was built with. */
async function listMethods(stage: Stage): Promise<string[]> {
  const [setting] = await stage.admin.sql.rows<{ values: string[] }>(
    `select enumvals as values from pg_settings where name = 'wal_compression'`,
  )
  return ['off', 'pglz', 'lz4'].filter((method) => setting!.values.includes(method))
}

async function readKeys(ground: Ground): Promise<{ database: string; indexMb: number }> {
  const [row] = await ground.owner.sql.rows<{ database: string; bytes: string }>(
    `select current_database() as database, sum(pg_relation_size(i.indexrelid)) as bytes
     from pg_inherits h join pg_index i on i.indrelid = h.inhrelid
     where h.inhparent = 'platform.idempotency_key'::regclass`,
  )
  return { database: row!.database, indexMb: Number(row!.bytes) / 2 ** 20 }
}
