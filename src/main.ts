import { defineCommand, runMain } from 'citty'
import packageJson from '../package.json' with { type: 'json' }

/** Each command is loaded only when it is called. */
const podo = defineCommand({
  meta: { name: 'podo', version: packageJson.version, description: packageJson.description },
  subCommands: {
    up: () => import('./commands/up.ts').then((file) => file.up),
    serve: () => import('./commands/serve.ts').then((file) => file.serve),
    migrate: () => import('./commands/migrate.ts').then((file) => file.migrate),
    secret: () => import('./commands/secret.ts').then((file) => file.secret),
  },
})

await runMain(podo)
