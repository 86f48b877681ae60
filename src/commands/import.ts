import { accessSync, constants, statSync } from 'node:fs'
import { defineCommand } from 'citty'
import { findCompanies } from '#modules/companies'
import { openLedgerLane } from '#modules/ledger'
import {
  applyImport,
  checkImport,
  findImport,
  type ImportCheck,
  type Importing,
  type ImportMistake,
} from '#modules/points'
import { assertClockUnmoved } from '#platform/clock'
import { type Config, readConfig } from '#platform/config'
import { type Database, openDatabase } from '#platform/database'
import { fromPublicId } from '#platform/ids'
import { openLog } from '#platform/log'
import type { Text } from '#platform/problem'
import { findServiceRole } from '#platform/service-login'
import { StartProblem, terminalLanguage } from '#platform/start-problem'
import { workOver } from '#platform/work'
import { openProgress } from '../terminal/progress.ts'
import { assertMigrated, getSite } from './database.ts'
import { importTexts as texts } from './import-texts.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'

export const importFile = defineCommand({
  meta: {
    name: 'import',
    description: inTerminal({
      ko:
        '회사의 기초 잔액을 CSV 파일에서 옮깁니다. 열은 memberExternalId, class(paid 또는 bonus), amount, issuedAt, ' +
        'expiresAt, reason입니다. --apply가 없으면 확인만 합니다. 행마다 로트 하나이며, 같은 행이 또 있어도 그렇습니다. ' +
        '날짜는 PODO_TIME_ZONE의 날짜이고, expiresAt에 날짜만 적은 포인트는 그날이 끝날 때까지 쓸 수 있습니다.',
      en:
        'Take the opening balances of a company from a CSV file. Its columns are memberExternalId, class (paid or ' +
        'bonus), amount, issuedAt, expiresAt, reason. Without --apply it only checks. Each line is a lot of its own, ' +
        'equal lines too. Days are those of PODO_TIME_ZONE; points of a day in expiresAt can be spent until its end.',
    }),
  },
  args: {
    file: {
      type: 'positional',
      required: true,
      description: inTerminal({
        ko: 'CSV 파일. UTF-8이나 CP949(EUC-KR)',
        en: 'The CSV file: UTF-8, or CP949 as Korean spreadsheets write it',
      }),
    },
    company: {
      type: 'string',
      required: true,
      description: inTerminal({ ko: '회사의 ID, cmp_…', en: 'The company, cmp_…' }),
    },
    apply: {
      type: 'boolean',
      default: false,
      description: inTerminal({
        ko: '실제로 기록합니다. 중간에 멈추거나 다시 실행해도 두 번 기록되지 않습니다',
        en: 'Write it; again does no harm, nor does being stopped',
      }),
    },
    batch: {
      type: 'string',
      default: 'opening',
      description: inTerminal({
        ko: '이번 옮기기의 이름. 회사마다 한 이름에는 파일 하나',
        en: 'Name of this import; a company has one file under each name',
      }),
    },
    'create-members': {
      type: 'boolean',
      default: false,
      description: inTerminal({
        ko: '없는 회원을 만듭니다. 파일에 nickname 열을 둘 수 있습니다',
        en: 'Make members who are missing; the file may have a column nickname',
      }),
    },
  },
  run: ({ args }) =>
    reporting(async () => {
      const asked = { path: args.file, company: args.company, apply: args.apply, name: args.batch }
      process.exitCode = await run({ ...asked, createMembers: args['create-members'] })
    }),
})

const poolSize = 4

interface Asked {
  readonly path: string
  readonly company: string
  readonly apply: boolean
  readonly name: string
  readonly createMembers: boolean
}

async function run(asked: Asked): Promise<number> {
  const companyId = fromPublicId('cmp', asked.company)
  if (!companyId) throw new StartProblem(texts.companyUnknown(asked.company))
  if (!/^[\p{L}\p{N}._-]{1,100}$/u.test(asked.name)) throw new StartProblem(texts.wrongName)
  assertReadable(asked.path)
  const config = readConfig()
  const log = openLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel })
  const site = await getSite(config, log)
  try {
    const role = site.embedded ? null : await findServiceRole(site.serviceUrl, config.profile !== 'production')
    const database = openDatabase({
      url: site.serviceUrl,
      poolSize,
      role: role ?? undefined,
      applicationName: 'podo import',
    })
    try {
      return await importInto(database, config, { ...asked, companyId })
    } finally {
      await database.close()
    }
  } finally {
    await site.close()
  }
}

/** Throws a StartProblem where there is no file, or none that can be read from its beginning again. */
function assertReadable(path: string): void {
  try {
    if (!statSync(path).isFile()) throw new StartProblem(texts.noPlainFile(path))
    accessSync(path, constants.R_OK)
  } catch (error) {
    if (error instanceof StartProblem) throw error
    const { code = '' } = error as NodeJS.ErrnoException
    throw new StartProblem(/^ENO(ENT|TDIR)$/.test(code) ? texts.noFile(path) : texts.unreadable(path, code))
  }
}

async function importInto(database: Database, config: Config, asked: Asked & { companyId: string }): Promise<number> {
  await assertMigrated(database)
  if (config.profile === 'production') await assertClockUnmoved(database)
  const [company] = await findCompanies(database, [asked.companyId])
  if (!company) throw new StartProblem(texts.companyUnknown(asked.company))
  const withWork = workOver(database)
  const { spendOrder, refundGraceDays } = config
  const lane = openLedgerLane({ withWork, settings: { spendOrder, refundGraceDays }, poolSize })
  const importing = { reads: database, withWork, lane }
  try {
    return await checkAndApply(importing, { ...asked, timeZone: config.timeZone, companyName: company.name })
  } finally {
    await lane.close()
  }
}

type Import = Asked & { readonly companyId: string; readonly companyName: string; readonly timeZone: string }

async function checkAndApply(importing: Importing, asked: Import): Promise<number> {
  const say = speaker()
  const { companyId, name } = asked
  const check = await readFile(importing, asked, say)
  if (!check.encoding) throw new StartProblem(texts.noText)
  if (check.encoding !== 'utf-8') say(texts.decoded)
  if (check.lines > 0 || check.badLines === 0) say(texts.summary({ ...check, company: asked.companyName }))
  const found = await findImport(importing, { companyId, name, digest: check.digest })
  // What has expired since the first attempt must not keep the rest from being written.
  const fatal = check.badLines - (found === 'begun' ? check.expiredLines : 0)
  if (fatal > 0) {
    say(texts.bad(check.badLines))
    return 1
  }
  if (found === 'otherFile') throw new StartProblem(texts.otherFile(name))
  if (found === 'begun') say(texts.begun)
  if (!asked.apply) {
    say(texts.dryRun)
    return 0
  }
  return write(importing, asked, check)
}

async function readFile(importing: Importing, asked: Import, say: (text: Text) => void): Promise<ImportCheck> {
  const language = terminalLanguage(process.env)
  const progress = openProgress(process.stderr, texts.checking[language])
  const bytes = statSync(asked.path).size
  try {
    return await checkImport(importing, {
      ...asked,
      onMistake(mistake) {
        progress.clear()
        say(atLine(mistake))
      },
      onProgress: ({ bytesRead, lines }) => progress.show(bytesRead / bytes, texts.count(lines)[language]),
    })
  } finally {
    progress.clear()
  }
}

async function write(importing: Importing, asked: Import, check: ImportCheck): Promise<number> {
  const say = speaker()
  const language = terminalLanguage(process.env)
  const progress = openProgress(process.stderr, texts.writing[language])
  const startedAt = performance.now()
  const result = await applyImport(importing, {
    ...asked,
    check,
    onRefusal(refusal) {
      progress.clear()
      say(atLine(refusal))
    },
    onProgress: ({ lines }) => progress.show(lines / check.lines, texts.count(lines)[language]),
  }).finally(() => progress.clear())
  if (result.status === 'otherFile') throw new StartProblem(texts.otherFile(asked.name))
  if (result.status === 'changed') throw new StartProblem(texts.changed)
  say(texts.applied({ ...result, seconds: (performance.now() - startedAt) / 1000 }))
  return result.refused > 0 ? 1 : 0
}

function atLine({ line, text }: ImportMistake): Text {
  return { ko: `${line}행: ${text.ko}`, en: `Line ${line}: ${text.en}` }
}

function speaker(): (text: Text) => void {
  const language = terminalLanguage(process.env)
  return (text) => console.log(text[language])
}
