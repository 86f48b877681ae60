import type { Bench } from '../bench.ts'
import { type Sample, toMeasure } from '../load.ts'
import { proveExact } from '../proof.ts'
import { alternate, median } from '../rounds.ts'
import { hotSeed, type LedgerSeed, spreadSeed } from '../seed.ts'
import type { Stage } from '../stage.ts'
import { forkWorker } from '../worker.ts'
import type { SpenderTask } from '../workers/spender.ts'

export const ledgerProcesses: Bench = {
  name: 'ledger-processes',
  compares: 'two processes on one hot wallet ÷ one process, 256 callers in all',
  must: 0.7,
  goal: 1,
  async run(stage) {
    const shares: number[] = []
    const sides = await alternate(stage, {
      'one process': async () => toMeasure(await runFleet(stage, hotSeed, [{ callers: 256 }])),
      'two processes': async () => {
        const samples = await runFleet(stage, hotSeed, [{ callers: 128 }, { callers: 128 }])
        shares.push(shareOfSlowest(samples))
        return toMeasure(samples)
      },
    })
    const share = median(shares)
    return {
      ratio: sides['two processes'].rate / sides['one process'].rate,
      sides,
      figures: [{ name: 'share of the slower of two', value: share, unit: 'ratio' }],
      musts: [{ says: 'the slower of two does at least a third of the spends', holds: share >= 1 / 3 }],
    }
  },
}

export const ledgerProcessesSpread: Bench = {
  name: 'ledger-processes-spread',
  compares: 'four processes over the same 10,000 wallets ÷ over disjoint ones; two beside a stopped third ÷ two alone',
  must: 0.7,
  goal: 0.9,
  async run(stage) {
    const callers = 64
    // Without patience every caller soon waits for a wallet of the stopped process, and nobody is left to ask.
    const patient = { callers, patienceMs: 100 }
    const stopped = { ...patient, stopsInside: true }
    const quarters = [0, 1, 2, 3].map((part) => ({ callers, wallets: { from: part * 2_500, count: 2_500 } }))
    const fleet = async (members: readonly Member[]) => toMeasure(await runFleet(stage, spreadSeed, members))
    const sides = await alternate(stage, {
      'four over the same wallets': () => fleet(Array(4).fill({ callers })),
      'four over disjoint wallets': () => fleet(quarters),
      'two beside a stopped third': () => fleet([patient, patient, stopped]),
      'two alone': () => fleet([patient, patient]),
    })
    const besideStopped = sides['two beside a stopped third'].rate / sides['two alone'].rate
    return {
      ratio: sides['four over the same wallets'].rate / sides['four over disjoint wallets'].rate,
      sides,
      figures: [{ name: 'beside a stopped third ÷ alone', value: besideStopped, unit: 'ratio' }],
      musts: [{ says: 'two beside a stopped third do 0.7 of two alone', holds: besideStopped >= 0.7 }],
    }
  },
}

type Member = Partial<SpenderTask> & Pick<SpenderTask, 'callers'>

/** What processes side by side did in the same seconds; one that stops itself answers nothing and is killed after. */
async function runFleet(stage: Stage, seed: LedgerSeed, members: readonly Member[]): Promise<Sample[]> {
  return stage.withGround(seed, async (ground) => {
    const workers = await Promise.all(
      members.map((member, number) =>
        forkWorker<SpenderTask, Sample>('spender', {
          url: ground.url,
          poolSize: 8,
          wallets: { from: 0, count: seed.wallets },
          warmUpSeconds: stage.warmUpSeconds,
          seconds: stage.seconds,
          postmaster: number === 0 ? stage.server.postmaster : null,
          stopsInside: false,
          ...member,
        }),
      ),
    )
    const isStopped = (number: number) => members[number]!.stopsInside === true
    for (const worker of workers.filter((_, number) => isStopped(number))) worker.run().catch(() => {})
    const healthy = workers.filter((_, number) => !isStopped(number))
    const samples = await Promise.all(healthy.map((worker) => worker.run()))
    await Promise.all(workers.map((worker, number) => (isStopped(number) ? worker.kill() : worker.close())))
    await proveExact(ground.owner.sql)
    return samples
  })
}

function shareOfSlowest(samples: readonly Sample[]): number {
  const rates = samples.map((sample) => sample.calls / sample.seconds)
  return Math.min(...rates) / rates.reduce((sum, rate) => sum + rate, 0)
}
