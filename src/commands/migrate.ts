import { defineCommand } from 'citty'
import { readConfig } from '#platform/config'
import { openLog } from '#platform/log'
import { migrate as migrateDatabase } from '#platform/migrations'
import { terminalLanguage } from '#platform/start-problem'
import { getSite } from './database.ts'
import { reporting } from './plain.ts'

export const migrate = defineCommand({
  meta: { name: 'migrate', description: 'Bring the database up to this version, as its owner' },
  run: () => reporting(run),
})

async function run(): Promise<void> {
  const config = readConfig()
  const log = openLog({ level: config.logLevel })
  const site = await getSite(config, log)
  try {
    const applied = await migrateDatabase({ url: site.ownerUrl, onNotice: (notice) => log.info(notice) })
    const isKorean = terminalLanguage(process.env) === 'ko'
    if (applied.length > 0) console.log(`${isKorean ? '적용했습니다' : 'Applied'}: ${applied.join(', ')}`)
    else console.log(isKorean ? '적용할 마이그레이션이 없습니다.' : 'There is nothing to migrate.')
  } finally {
    await site.close()
  }
}
