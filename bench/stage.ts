import { type Database, openDatabase } from '#platform/database'
import type { Seed } from './seed.ts'
import type { BenchServer } from './server.ts'

/** Where benches play: a server, how long each side is measured, and databases for them. */
export interface Stage {
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly rounds: number
  /** How many transfers are present where a bench asks what many of them cost. */
  readonly transfersPresent: number
  readonly server: BenchServer
  /** The superuser, connected to no bench's database. */
  readonly admin: Database
  say(line: string): void
  /** Lends `run` a database that was just made and holds only the seed. */
  withGround<T>(seed: Seed, run: (ground: Ground) => Promise<T>): Promise<T>
  /** Opens a database by its name. */
  openGround(name: string): Ground
}

/** A database of a bench. */
export interface Ground {
  readonly url: string
  readonly owner: Database
}

export interface StageOptions {
  readonly seconds: number
  readonly rounds: number
  readonly transfersPresent: number
  readonly server: BenchServer
  say(line: string): void
}

/** The same stage with sides of another length. */
export function withSeconds<Of extends Stage>(stage: Of, seconds: number): Of {
  return { ...stage, seconds, warmUpSeconds: warmUpOf(seconds) }
}

export function openStage(options: StageOptions): Stage & { close(): Promise<void> } {
  const { server } = options
  const admin = openDatabase({ url: server.adminUrl, poolSize: 2, statementTimeoutMs: 600_000 })
  const planted = new Map<string, Promise<string>>()
  let made = 0

  function openGround(name: string): Ground {
    const owner = openDatabase({ url: server.ownerUrl(name), poolSize: 1, statementTimeoutMs: 600_000 })
    return { url: server.serviceUrl(name), owner }
  }

  async function plant(seed: Seed): Promise<string> {
    const name = `bench_seed_${seed.name}`
    await admin.sql.run(`drop database if exists ${name} with (force)`)
    await admin.sql.run(`create database ${name} template ${server.template} owner podo_owner`)
    const ground = openGround(name)
    await seed.plant(ground)
    await ground.owner.close()
    return name
  }

  return {
    ...options,
    warmUpSeconds: warmUpOf(options.seconds),
    admin,
    openGround,
    async withGround(seed, run) {
      if (!planted.has(seed.name)) planted.set(seed.name, plant(seed))
      const template = await planted.get(seed.name)
      made += 1
      const name = `bench_ground_${made}`
      await admin.sql.run(`drop database if exists ${name} with (force)`)
      // Copied through the WAL, so no page of it is imaged again after a checkpoint in the middle of a measure.
      await admin.sql.run(`create database ${name} template ${template} owner podo_owner strategy wal_log`)
      const ground = openGround(name)
      try {
        return await run(ground)
      } finally {
        await ground.owner.close()
        await admin.sql.run(`drop database ${name} with (force)`)
      }
    },
    async close() {
      for (const template of planted.values()) await admin.sql.run(`drop database ${await template} with (force)`)
      await admin.close()
    },
  }
}

/** What warms up is caches, plans and the compiler; two seconds do, and less when it is only tried out. */
function warmUpOf(seconds: number): number {
  return Math.min(2, seconds / 2)
}
