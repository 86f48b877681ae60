import { defineCommand } from 'citty'
import {
  type Difference,
  repairLedger,
  systemAccounts,
  type VerifyProgress,
  type VerifyReport,
  verifyLedger,
} from '#modules/ledger'
import { readConfig } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { type Prefix, toPublicId } from '#platform/ids'
import { openLog } from '#platform/log'
import type { Text } from '#platform/problem'
import { findServiceRole } from '#platform/service-login'
import { StartProblem, terminalLanguage } from '#platform/start-problem'
import { openProgress } from '../terminal/progress.ts'
import { assertMigrated, getSite } from './database.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'
import { stepTexts, verifyTexts as texts } from './verify-texts.ts'

export const verify = defineCommand({
  meta: {
    name: 'verify',
    description: inTerminal({
      ko:
        '모든 잔액, 로트, 홀드를 원장에서 다시 계산해 다른 점을 보여 줍니다. Podo가 실행 중이어도 됩니다. ' +
        '다른 점이 없으면 0, 있었으면 1, 복구하지 못한 것이 있으면 2로 끝납니다.',
      en:
        'Recompute every balance, lot and hold from the journal, while Podo runs, and list each difference. ' +
        'Ends with 0 when there is none, 1 when there was one, 2 when a repair left something.',
    }),
  },
  args: {
    repair: {
      type: 'boolean',
      default: false,
      description: inTerminal({ ko: '다른 것을 원장으로 되살립니다', en: 'Make what differs again from the journal' }),
    },
  },
  run: ({ args }) =>
    reporting(async () => {
      process.exitCode = await runVerify({ withRepair: args.repair })
    }),
})

/** What `podo verify` does, and the code that it ends with. */
export async function runVerify(options: { withRepair: boolean; environment?: NodeJS.ProcessEnv }): Promise<number> {
  const { withRepair, environment = process.env } = options
  const config = readConfig(environment)
  const log = openLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel })
  const site = await getSite(config, log)
  try {
    const role = site.embedded ? null : await findServiceRole(site.serviceUrl, config.profile !== 'production')
    return await withDatabase({ url: site.serviceUrl, role: role ?? undefined }, async (database) => {
      await assertMigrated(database)
      const report = await look(database)
      if (report.differences === 0) return 0
      if (!withRepair) {
        say(hasWork(report) ? texts.howToRepair : texts.left)
        return 1
      }
      await withDatabase({ url: site.ownerUrl }, (owner) => repair(owner, report))
      if ((await look(database)).differences === 0) return 1
      say(texts.left)
      return 2
    })
  } finally {
    await site.close()
  }
}

async function withDatabase<T>(
  at: { url: string; role?: string | undefined },
  run: (database: Database) => Promise<T>,
): Promise<T> {
  const options = { poolSize: 2, applicationName: 'podo verify', statementTimeoutMs: 60_000, lockTimeoutMs: 10_000 }
  const database = openDatabase({ ...at, ...options })
  try {
    return await run(database)
  } finally {
    await database.close()
  }
}

/** Lists the differences as they are found, below a bar that shows how far it is. */
async function look(database: Database): Promise<VerifyReport> {
  const language = terminalLanguage(process.env)
  const progress = openProgress(process.stderr, 'podo verify')
  const startedAt = performance.now()
  const report = await verifyLedger(database, {
    onProgress: (made) => progress.show(partOf(made), stepTexts[made.step][language]),
    onDifference(difference) {
      progress.clear()
      say(texts.difference(shown(difference)))
    },
  }).finally(() => progress.clear())
  const seconds = (performance.now() - startedAt) / 1_000
  say(report.differences === 0 ? texts.sound({ ...report, seconds }) : texts.differs(report.differences))
  return report
}

/** Whether a repair has anything to do at all. */
function hasWork({ mendable, contradicted, balances }: VerifyReport): boolean {
  return (
    [...mendable.keys()].some((id) => !contradicted.has(id)) ||
    (balances.differences.length > 0 && contradicted.size === 0)
  )
}

async function repair(owner: Database, report: VerifyReport): Promise<void> {
  const [right] = await owner.sql.rows<{ is: boolean }>(`select has_table_privilege('ledger.lot', 'delete') as is`)
  if (!right!.is) throw new StartProblem(texts.notOwner)
  const { mended, writtenDown, failed } = await repairLedger(owner, report)
  say(texts.mended(mended))
  if (writtenDown > 0) say(texts.writtenDown(writtenDown))
  for (const { accountId, error } of failed) {
    say(
      texts.failed(accountId ? toPublicId('wlt', accountId) : '-', error instanceof Error ? error.message : `${error}`),
    )
  }
}

/** Where each step stands in the whole, by how long they take of ten million transfers. */
const starts: Readonly<Record<VerifyProgress['step'], number>> = {
  journal: 0,
  reversals: 0.4,
  accounts: 0.42,
  holds: 0.96,
  balances: 0.98,
}
const lengths = { journal: 0.4, accounts: 0.54 } as Partial<Record<VerifyProgress['step'], number>>

function partOf({ step, done, of }: VerifyProgress): number {
  return starts[step] + (of ? (lengths[step] ?? 0) * (done / of) : 0)
}

const prefixes: Readonly<Record<Difference['kind'], Prefix | null>> = {
  account: 'wlt',
  lot: 'lot',
  hold: 'hld',
  journal: 'trf',
  balance: 'cmp',
  watermark: null,
}

function shown(difference: Difference) {
  const { kind, id, accountId } = difference
  const prefix = prefixes[kind]
  const system = Object.entries(systemAccounts).find(([, known]) => known === id)?.[0]
  const account = accountId && accountId !== id ? toPublicId('wlt', accountId) : null
  return { ...difference, account, id: system ?? (prefix ? toPublicId(prefix, id) : id) }
}

function say(text: Text): void {
  console.log(inTerminal(text))
}
