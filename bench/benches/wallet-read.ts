import { findAccounts, findRolledBalance, keepBalancesFolded, listExpiring } from '#modules/ledger'
import { openDatabase } from '#platform/database'
import { workOver } from '#platform/work'
import type { Bench, Measure } from '../bench.ts'
import { everyWallet, foldEverything, openGrown } from '../grown.ts'
import { drive, type Sample, toMeasure } from '../load.ts'
import { alternate, median } from '../rounds.ts'
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
      const spends: Record<'grown' | 'empty', number[]> = { grown: [], empty: [] }
      const every = everyWallet(grown, walletsRead)
      const sides = await stage.withGround(spreadSeed, (ground) =>
        alternate(stage, {
          grown: () => measureReads(stage, { ground: grown, every, onSpends: (rate) => spends.grown.push(rate) }),
          empty: () => measureReads(stage, { ground, every: 1, onSpends: (rate) => spends.empty.push(rate) }),
        }),
      )
      return {
        ratio: sides.grown.rate / sides.empty.rate,
        sides,
        figures: [
          { name: 'spends meanwhile, grown', value: median(spends.grown), unit: '1/s' },
          { name: 'spends meanwhile, empty', value: median(spends.empty), unit: '1/s' },
          { name: 'grown, on the disk', value: grown.bytes / 2 ** 20, unit: 'MiB' },
        ],
        musts: [],
      }
    } finally {
      await grown.close()
    }
  },
}

interface Reading {
  readonly ground: Ground
  /** One wallet in so many is read and spent from. */
  readonly every: number
  onSpends(perSecond: number): void
}

/** Reads as fast as they go, while another process spends from the same wallets at a steady pace. */
async function measureReads(stage: Stage, { ground, every, onSpends }: Reading): Promise<Measure> {
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
  onSpends(toMeasure([await spent]).rate)
  await spender.close()
  await database.close()
  return toMeasure([sample])
}

/** A member's, a company's or a merchant's balance, each as often; every hundredth wallet is a company's. */
async function readBalance(reads: Parameters<typeof findAccounts>[0], every: number): Promise<void> {
  const kind = (['member', 'company', 'merchant'] as const)[Math.floor(Math.random() * 3)]!
  if (kind === 'merchant') {
    if (!(await findRolledBalance(reads, merchantId))) throw new Error('the merchant has no balance')
    return
  }
  const company = Math.floor((Math.random() * walletsRead) / 100) * 100
  const number = kind === 'company' ? company : company + 1 + Math.floor(Math.random() * 99)
  const id = walletId(number * every)
  const [accounts] = await Promise.all([
    findAccounts(reads, [id]),
    listExpiring(reads, { walletId: id, withinDays: 30 }),
  ])
  if (accounts[0]?.ownerType !== kind) throw new Error(`${id} is no wallet of a ${kind}`)
}
