import { defineCommand } from 'citty'
import { readConfig } from '#platform/config'
import { openLog } from '#platform/log'
import { migrate as migrateDatabase } from '#platform/migrations'
import { getSite } from './database.ts'
import { inTerminal } from './output.ts'
import { reporting } from './plain.ts'

export const migrate = defineCommand({
  meta: {
    name: 'migrate',
    description: inTerminal({
      ko: '데이터베이스를 소유자 계정으로 이 버전까지 마이그레이션합니다.',
      en: 'Bring the database up to this version, as its owner.',
    }),
  },
  run: () => reporting(run),
})

async function run(): Promise<void> {
  const config = readConfig()
  const log = openLog({ level: config.logLevel })
  const site = await getSite(config, log)
  try {
    const applied = await migrateDatabase({ url: site.ownerUrl, onNotice: (notice) => log.info(notice) })
    const list = applied.join(', ')
    if (applied.length > 0) console.log(inTerminal({ ko: `적용했습니다: ${list}`, en: `Applied: ${list}` }))
    else console.log(inTerminal({ ko: '적용할 마이그레이션이 없습니다.', en: 'There is nothing to migrate.' }))
  } finally {
    await site.close()
  }
}
