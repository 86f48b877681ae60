import { openDatabase, type TransactionSql } from '#platform/database'
import type { WithWork } from '#platform/work'
import { openBenchLane } from '../lane.ts'
import { drive, toMeasure } from '../load.ts'
import { proveExact } from '../proof.ts'
import { spreadSeed, walletId } from '../seed.ts'
import { makeSpends } from '../spends.ts'
import { type Stage, withSeconds } from '../stage.ts'
import type { Choice, Trial } from './choice.ts'

/** What becomes of spends over 10,000 wallets while a transaction stands still with one of them locked. */
export const heldWallet: Choice = {
  name: 'a wallet held',
  counts: 'spends',
  chosen: 'set aside',
  bound: 'none held',
  play(stage, compare) {
    // A lane that waits gives up after five tries of two seconds.
    const short = withSeconds(stage, Math.min(stage.seconds, 5))
    return compare({
      'set aside': () => measureSpends(short, { isHeld: true }),
      'waited for': () => measureSpends(short, { isHeld: true, around: waiting }),
      'none held': () => measureSpends(short, { isHeld: false }),
    })
  },
}

const heldNumber = spreadSeed.wallets / 2

interface Spending {
  readonly isHeld: boolean
  readonly around?: (withWork: WithWork) => WithWork
}

function measureSpends(stage: Stage, { isHeld, around }: Spending): Promise<Trial> {
  return stage.withGround(spreadSeed, async (ground) => {
    const lane = openBenchLane({ url: ground.url, poolSize: 8, ...(around ? { around } : {}) })
    const nextSpend = makeSpends({ from: 0, count: spreadSeed.wallets })
    const holder = isHeld ? await holdWallet(ground.url) : undefined
    // Somebody asks for it at once, as sooner or later somebody would.
    const asked = holder && lane.spend(makeSpends({ from: heldNumber, count: 1 })())
    // The load ends when every caller has its answer, those of the held wallet too.
    const releasing = setTimeout(() => holder?.release(), (stage.warmUpSeconds + stage.seconds) * 1_000)
    const sample = await drive({
      callers: 256,
      warmUpSeconds: stage.warmUpSeconds,
      seconds: stage.seconds,
      watched: { processes: [process.pid], postmaster: stage.server.postmaster },
      call: () => lane.spend(nextSpend()),
    })
    clearTimeout(releasing)
    await holder?.close()
    await asked
    await lane.close()
    await proveExact(ground.owner.sql)
    return { measure: toMeasure([sample]), costs: [] }
  })
}

/** Locks a wallet in a transaction that does nothing more until it is told to end. */
async function holdWallet(url: string): Promise<{ release(): void; close(): Promise<void> }> {
  const database = openDatabase({ url, poolSize: 1 })
  const locked = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const over = database.transaction(async (sql) => {
    await sql.run('set local idle_in_transaction_session_timeout = 0')
    await sql.run('select from ledger.account where id = $1 for update', [walletId(heldNumber)])
    locked.resolve()
    await released.promise
  })
  await Promise.race([locked.promise, over])
  return {
    release: released.resolve,
    async close() {
      released.resolve()
      await over
      await database.close()
    },
  }
}

/** The same lane with `skip locked` struck out of its statements. */
function waiting(withWork: WithWork): WithWork {
  const plain = (text: string) => text.replace('skip locked', '')
  return (actor, run) =>
    withWork(actor, (work) => {
      const sql: TransactionSql = { ...work.sql, rows: (text, values) => work.sql.rows(plain(text), values) }
      return run({ ...work, sql })
    })
}
