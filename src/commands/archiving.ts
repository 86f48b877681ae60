import { endArchives, keepArchive } from '#platform/backup/archive'
import { isWithin } from '#platform/backup/base-backup'
import { backupFolderProblem, backupInside } from '#platform/backup/problems'
import type { Config } from '#platform/config'
import type { Logger } from '#platform/log'
import type { Site } from './database.ts'

/** The site, with its log archived for as long as it is open, where the settings say so. */
export async function archiving(site: Site, { config, log }: { config: Config; log: Logger }): Promise<Site> {
  const { embedded } = site
  const { backupDir, dataDir } = config
  if (!embedded) return site
  try {
    if (backupDir === null) {
      await endArchives(embedded.adminUrl)
      return site
    }
    if (isWithin(backupDir, dataDir)) throw backupInside(backupDir, dataDir)
    const keeper = await keepArchive({
      server: embedded,
      backupDir,
      onError: (error) => log.error({ err: error }, 'The log of the database could not be archived; it is tried again'),
    })
    return {
      ...site,
      async close() {
        await keeper.close()
        await site.close()
      },
    }
  } catch (error) {
    await site.close()
    throw backupFolderProblem(backupDir ?? '', error)
  }
}
