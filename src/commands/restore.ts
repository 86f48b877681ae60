import { resolve } from 'node:path'
import { defineCommand } from 'citty'
import { restoreBackup } from '#platform/backup/restore'
import { readConfig } from '#platform/config'
import { StartProblem } from '#platform/start-problem'
import { backupTexts as texts } from './backup-texts.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'
import { runVerify } from './verify.ts'

export const restore = defineCommand({
  meta: {
    name: 'restore',
    description: inTerminal({
      ko:
        '백업에서 Podo의 데이터베이스를 복원하고 검증합니다. 먼저 백업을 모두 읽어 확인하며, 이전 데이터는 지우지 않고 옮겨 ' +
        '둡니다. 그 데이터 폴더를 쓰는 Podo는 멈춰 있어야 합니다.',
      en:
        'Bring the database of Podo back from a backup, and verify it. All of the backup is read and compared first, and ' +
        'what was there before is moved aside and kept. No Podo may run on that data folder.',
    }),
  },
  args: {
    dir: {
      type: 'positional',
      required: true,
      description: inTerminal({
        ko: '백업 폴더, 또는 PODO_BACKUP_DIR의 폴더',
        en: 'The folder of a backup, or that of PODO_BACKUP_DIR',
      }),
    },
    to: {
      type: 'string',
      description: inTerminal({
        ko: '되돌릴 시각. 없으면 남아 있는 마지막 시각',
        en: 'The moment to bring back; otherwise the last one that there is',
      }),
    },
    'data-dir': {
      type: 'string',
      description: inTerminal({ ko: '데이터 폴더. 없으면 PODO_DATA_DIR', en: 'The data folder, if not PODO_DATA_DIR' }),
    },
  },
  run: ({ args }) =>
    reporting(async () => {
      process.exitCode = await run({ from: args.dir, to: args.to, dataDir: args['data-dir'] })
    }),
})

async function run(asked: { from: string; to: string | undefined; dataDir: string | undefined }): Promise<number> {
  const { databaseUrl, dataDir: usual, timeZone } = readConfig()
  if (databaseUrl) throw new StartProblem(texts.otherServer)
  const dataDir = resolve(asked.dataDir ?? usual)
  const to = asked.to === undefined ? null : instantOf(asked.to, timeZone)
  const inZone = (at: Date) => at.toTemporalInstant().toString({ timeZone, fractionalSecondDigits: 3 })
  if (to) say(texts.aiming(inZone(to)))
  const { backup, until, aside } = await restoreBackup({
    from: asked.from,
    to,
    dataDir,
    onProgress: (step) => console.error(inTerminal(texts.steps[step])),
  })
  say(texts.restored({ dataDir, until: inZone(until), backup, aside }))
  return runVerify({ withRepair: false, environment: { ...process.env, PODO_DATA_DIR: dataDir } })
}

/** An instant with its offset, or the time of a clock in the programme's zone. */
function instantOf(text: string, timeZone: string): Date {
  const read = [
    () => Temporal.Instant.from(text),
    () => Temporal.PlainDateTime.from(text).toZonedDateTime(timeZone).toInstant(),
  ]
  for (const attempt of read) {
    try {
      return new Date(attempt().epochMilliseconds)
    } catch {
      // It may be of the other form.
    }
  }
  throw new StartProblem(texts.wrongInstant(text))
}

function say(text: Parameters<typeof inTerminal>[0]): void {
  console.log(inTerminal(text))
}
