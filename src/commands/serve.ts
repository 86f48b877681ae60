import { defineCommand } from 'citty'
import { readConfig } from '#platform/config'
import { openLog } from '#platform/log'
import { places } from './banner.ts'
import { findSite, noSite } from './database.ts'
import { inTerminal } from './output.ts'
import { plainly } from './plain.ts'
import { assertPortFree } from './ports.ts'
import { runUntilStopped, startService, warnOfUnknownSettings } from './service.ts'
import { stopSignal } from './signals.ts'

export const serve = defineCommand({
  meta: {
    name: 'serve',
    description: inTerminal({
      ko: '여러 프로세스 가운데 하나를, 이미 마이그레이션한 데이터베이스로 실행합니다.',
      en: 'Run one process of several, on a database that exists and is migrated.',
    }),
  },
  args: {
    role: {
      type: 'enum',
      options: ['all', 'api', 'worker'],
      description: inTerminal({ ko: '이 프로세스가 할 일', en: 'What this process does' }),
    },
  },
  run: ({ args }) => plainly(() => runOne(args.role ? { ...process.env, PODO_ROLE: String(args.role) } : process.env)),
})

async function runOne(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(environment)
  const log = openLog({ level: config.logLevel })
  warnOfUnknownSettings(log)
  const stopped = stopSignal()
  await assertPortFree(config)
  const site = findSite(config)
  if (!site) throw noSite()
  const service = await startService(config, site, log)
  log.info({ ...places({ config, service, site }), role: config.role }, 'Podo is ready')
  await runUntilStopped(service, site, stopped, log)
  process.exit(0)
}
