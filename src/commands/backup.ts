import { join } from 'node:path'
import { defineCommand } from 'citty'
import { type Archive, findArchive } from '#platform/backup/archive'
import { takeBackup } from '#platform/backup/base-backup'
import { folderFor, forgetOld } from '#platform/backup/schedule'
import { type Config, readConfig } from '#platform/config'
import { openDatabase } from '#platform/database'
import { databaseNow } from '#platform/database-time'
import { findEmbeddedPostgres, startEmbeddedPostgres } from '#platform/embedded-postgres'
import { holdsServer } from '#platform/postgres-folder'
import { StartProblem } from '#platform/start-problem'
import { backupTexts as texts } from './backup-texts.ts'
import { noDatabase } from './database.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'

export const backup = defineCommand({
  meta: {
    name: 'backup',
    description: inTerminal({
      ko:
        'Podo의 데이터베이스를 백업합니다. Podo가 실행 중이어도 됩니다. 폴더를 적지 않으면 PODO_BACKUP_DIR에 백업하고, ' +
        '오래된 것을 지웁니다. 폴더가 제 이름으로 있으면 그 백업은 온전합니다.',
      en:
        'Back up the database of Podo, while it runs or not. Without a folder it goes into PODO_BACKUP_DIR, where old ' +
        'ones are removed. A folder that has its name is a whole backup.',
    }),
  },
  args: {
    dir: {
      type: 'positional',
      required: false,
      description: inTerminal({ ko: '새 폴더', en: 'A new folder' }),
    },
  },
  run: ({ args }) => reporting(() => run(args.dir)),
})

async function run(dir: string | undefined): Promise<void> {
  const config = readConfig()
  if (config.databaseUrl) throw new StartProblem(texts.otherServer)
  if (dir === undefined && config.backupDir === null) throw new StartProblem(texts.noFolder)
  const server = await getServer(config)
  try {
    const source = { dataDir: config.dataDir, adminUrl: server.adminUrl }
    const archive = dir === undefined ? await archiveIn(config.backupDir!, server.adminUrl) : null
    if (dir === undefined && archive === null) throw new StartProblem(texts.notArchived)
    const startedAt = performance.now()
    const { folder, manifest } = await takeBackup(source, dir ?? join(archive!.folder, folderFor(databaseNow())))
    if (archive) await forgetOld(archive, config.backupKeep)
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
    const seconds = (performance.now() - startedAt) / 1_000
    console.log(inTerminal(texts.made({ folder, bytes, seconds, at: manifest.startedAt })))
  } finally {
    await server.stop()
  }
}

async function archiveIn(backupDir: string, adminUrl: string): Promise<Archive | null> {
  const database = openDatabase({ url: adminUrl, poolSize: 1, applicationName: 'podo backup' })
  try {
    return await findArchive(database, backupDir)
  } finally {
    await database.close()
  }
}

/** The server that a Podo keeps, or else the one on the data folder, started for this. */
async function getServer({ dataDir }: Config): Promise<{ adminUrl: string; stop(): Promise<void> }> {
  const running = findEmbeddedPostgres(dataDir)
  if (running) return { ...running, stop: async () => {} }
  if (!holdsServer(dataDir)) throw noDatabase(dataDir)
  return startEmbeddedPostgres({ dataDir })
}
