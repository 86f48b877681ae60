import { existsSync } from 'node:fs'
import { defineCommand } from 'citty'
import { readConfig } from '#platform/config'
import { lockFolder } from '#platform/folder-lock'
import { openLog } from '#platform/log'
import { migrate } from '#platform/migrations'
import { archiving } from './archiving.ts'
import { places, renderBanner } from './banner.ts'
import { startSite } from './database.ts'
import { inTerminal } from './output.ts'
import { plainly } from './plain.ts'
import { assertPortFree } from './ports.ts'
import { runUntilStopped, startService, warnOfUnknownSettings } from './service.ts'
import { stopSignal } from './signals.ts'

export const up = defineCommand({
  meta: {
    name: 'up',
    description: inTerminal({
      ko: '이 컴퓨터에서 모두 실행합니다: PostgreSQL, 마이그레이션, API, 워커.',
      en: 'Run everything on this machine: PostgreSQL, migrations, API and worker.',
    }),
  },
  run: () => plainly(runAll),
})

async function runAll(): Promise<void> {
  const config = readConfig()
  const log = openLog({ level: config.logLevel })
  warnOfUnknownSettings(log)
  const stopped = stopSignal()
  // Whoever starts twice should hear of the folder, not of the port that the first one has.
  if (!config.databaseUrl && existsSync(config.dataDir)) lockFolder(config.dataDir).release()
  await assertPortFree(config)
  const app = import('#app')
  app.catch(() => {})
  const site = await archiving(await startSite(config, log), { config, log })
  try {
    await migrate({ url: site.ownerUrl, onNotice: (notice) => log.info(notice) })
    const service = await startService(config, site, log)
    const isForPeople = config.role !== 'worker' && (config.profile === 'demo' || process.stdout.isTTY)
    if (isForPeople) console.log(renderBanner({ config, service, site }))
    else log.info(places({ config, service, site }), 'Podo is ready')
    await runUntilStopped(service, site, stopped, log)
  } finally {
    await site.close()
  }
  process.exit(0)
}
