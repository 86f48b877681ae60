import { findAccounts, findRolledBalance, keepBalancesFolded, listExpiring } from '#modules/ledger'
import { openDatabase } from '#platform/database'
import { workOver } from '#platform/work'
import type { Bench, Measure } from '../bench.ts'
import { foldEverything, openGrown } from '../grown.ts'
import { drive, type Sample, toMeasure } from '../load.ts'
import { alternate } from '../rounds.ts'
import { merchantId, spreadSeed, walletId } from '../seed.ts'
import type { Ground, Stage } from '../stage.ts'
import { forkWorker } from '../worker.ts'
import type { SpenderTask } from '../workers/spender.ts'

const walletsRead = 10_000
const spendsPerSecond = 1_000

export const walletRead: Bench = {
  name: 'wallet-read',
  compares: "balances read (a member's, a company's, a merchant's) with millions of transfers ÷ with none, amid spends",
  must: 0.8,
  goal: 0.95,
  async run(stage) {
    const grown = await openGrown(stage)
    try {
      const sides = await stage.withGround(spreadSeed, (ground) =>
        alternate(stage, {
          grown: () => measureReads(stage, grown, grown.wallets / walletsRead),
          empty: () => measureReads(stage, ground, 1),
        }),
      )
      return { ratio: sides.grown.rate / sides.empty.rate, sides, figures: [], musts: [] }
    } finally {
      await grown.close()
    }
  },
}

/** Reads as fast as they go, while another process spends from the same wallets at a steady pace. */
async function measureReads(stage: Stage, ground: Ground, every: number): Promise<Measure> {
  await foldEverything(ground)
  const spender = await forkWorker<SpenderTask, Sample>('spender', {
    url: ground.url,
    poolSize: 8,
    callers: 64,
    wallets: { from: 0, count: walletsRead, every },
    warmUpSeconds: stage.warmUpSeconds,
    seconds: stage.seconds,
    postmaster: null,
    stopsInside: false,
    perSecond: spendsPerSecond,
  })
  const database = openDatabase({ url: ground.url, poolSize: 8 })
  const folding = keepBalancesFolded({
    reads: database,
    withWork: workOver(database),
    onError: (error) => stage.say(`the roll-up failed: ${error}`),
  })
  const spent = spender.run()
  const sample = await drive({
    callers: 256,
    warmUpSeconds: stage.warmUpSeconds,
    seconds: stage.seconds,
    watched: { processes: [process.pid], postmaster: stage.server.postmaster },
    call: () => readBalance(database, every),
  })
  await folding.close()
  await spent
  await spender.close()
  await database.close()
  return toMeasure([sample])
}

/** A member's, a company's or a merchant's balance, each as often; every hundredth wallet is a company's. */
async function readBalance(reads: Parameters<typeof findAccounts>[0], every: number): Promise<void> {
  const kind = Math.floor(Math.random() * 3)
  if (kind === 2) {
    if (!(await findRolledBalance(reads, merchantId))) throw new Error('the merchant has no balance')
    return
  }
  const number = Math.floor((Math.random() * walletsRead) / 100) * 100
  const id = walletId((kind === 0 ? number + 1 : number) * every)
  const [accounts] = await Promise.all([
    findAccounts(reads, [id]),
    listExpiring(reads, { walletId: id, withinDays: 30 }),
  ])
  if (accounts.length !== 1) throw new Error(`no wallet ${id}`)
}
