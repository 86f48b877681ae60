import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import packageJson from '../package.json' with { type: 'json' }
import { call } from './commands/call.ts'
import { inTerminal } from './commands/output.ts'
import { plainly } from './commands/plain.ts'

// Half of the time of a start went into compiling a thousand files. Not in the system's temporary folder, where
// somebody else could have put other code under their names; where the cache cannot be written there is none.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/podo'))

/** Each command is loaded only when it is called. */
const podo = defineCommand({
  meta: {
    name: 'podo',
    version: packageJson.version,
    description: inTerminal({
      ko: '회사가 직접 운영하는 정확하고 빠른 포인트 원장이자 결제 플랫폼.',
      en: `${packageJson.description}.`,
    }),
  },
  subCommands: {
    up: () => import('./commands/up.ts').then((file) => file.up),
    serve: () => import('./commands/serve.ts').then((file) => file.serve),
    migrate: () => import('./commands/migrate.ts').then((file) => file.migrate),
    demo: () => import('./commands/demo.ts').then((file) => file.demo),
    backup: () => import('./commands/backup.ts').then((file) => file.backup),
    restore: () => import('./commands/restore.ts').then((file) => file.restore),
    import: () => import('./commands/import.ts').then((file) => file.importFile),
    verify: () => import('./commands/verify.ts').then((file) => file.verify),
    'dead-letters': () => import('./commands/dead-letters.ts').then((file) => file.deadLetters),
    listen: () => import('./commands/listen.ts').then((file) => file.listen),
    admin: () => import('./commands/admin.ts').then((file) => file.admin),
    secret: () => import('./commands/secret.ts').then((file) => file.secret),
  },
})

await plainly(() => call(podo, process.argv.slice(2)))
