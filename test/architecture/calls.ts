import { at, code, everyLine, isListed, isTest, moduleNames, moduleOf, modules, platform, type Rule } from './rule.ts'
import type { Source } from './sources.ts'

/** From the ground up: a module calls only rooms below it. */
const floors = ['ledger', 'identity', 'companies', 'points', 'earning', 'webhooks', 'ops']

/** Who may call whom, and for which word. */
const calls: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  identity: {
    ledger: 'a new member has a wallet',
  },
  companies: {
    ledger: 'a new company has a wallet and a merchant account',
    identity: 'a company makes its members',
  },
  points: {
    ledger: 'charge, spend, refund and the rest are transfers; statements are its journal',
    identity: 'a wallet belongs to a member, who may spend from a company’s',
    companies: 'points are spent at a company, and a company has a wallet',
  },
  earning: {
    ledger: 'what is earned is granted, and taken back from the very lot',
    identity: 'what is earned goes into the wallet of a member',
    companies: 'rules are those of companies, and points are given to their members',
    points: 'what is spent and refunded is heard from the events of points',
  },
  webhooks: {
    identity: 'the owners of a company get mail',
    companies: 'an endpoint is a company’s, whose owners manage it',
  },
  ops: {
    ledger: 'statistics add up the journal',
    identity: 'statistics count members',
  },
}

/** Words of the product, with what the platform says instead; "member" is left out, since JSON and roles have some. */
const businessWords: Readonly<Record<string, string>> = {
  wallet: 'row',
  merchant: 'row',
  lot: 'row',
  company: 'caller',
  points: 'amount',
  spend: 'operation',
  refund: 'operation',
  charge: 'operation',
}

/** Files of the platform that must name the business, and why. */
const namesBusiness: Readonly<Record<string, string>> = {
  'src/platform/ids.ts': 'all prefixes of ids stand in one file',
  'src/platform/work.ts': 'an actor is one of four kinds',
  'src/platform/settings.ts': 'the settings of the programme stand where all settings do',
}

/** Who reads the machine's clock, and why it decides nothing there. */
const readsMachineClock: Readonly<Record<string, string>> = {
  'src/platform/database-time.ts': 'how far it is from that of the database',
  'src/platform/log.ts': 'a line says when its process says that it was written',
  'src/platform/backup/restore.ts': 'part of a name; there is no database to be asked',
  'src/commands/listen.ts': 'shown to whoever looks on',
  'src/commands/listener.ts': 'a receiver of webhooks, who has a clock of its own as others do',
  'src/demo/': 'companies of the demo, who have clocks of their own as others do',
}

/** Files that read the environment, and why. */
const readsEnvironment: Readonly<Record<string, string>> = {
  'src/platform/config.ts': 'the one place',
  'src/platform/postgres-process.ts': 'a server is given the search path and nothing else',
  'src/main.ts': 'hands the environment to config, and speaks the language of the terminal',
  'src/commands/': 'hands the environment to config, and speaks the language of the terminal',
}

export const callRules: readonly Rule[] = [
  {
    guarantee: 'a module calls only rooms below it, each for a reason that stands in the table',
    violations: (sources) =>
      moduleImports(sources).flatMap(({ source, line, from, to }) => {
        if (from === to) return [`${at(source, line)} imports its own front door: import the file beside it`]
        if (!(floors.indexOf(from) > floors.indexOf(to) && floors.includes(to)))
          return [`${at(source, line)} calls upstairs from ${from} to ${to}: news goes up by events`]
        return calls[from]?.[to] ? [] : [`${at(source, line)}: ${from} → ${to} is not in the table of calls`]
      }),
    broken: { 'src/modules/ledger/up.ts': `import { spendPoints } from '#modules/points'\n` },
  },
  {
    guarantee: 'every call in the table is made, and every module has its floor',
    violations: (sources) => {
      const made = new Set(moduleImports(sources).map(({ from, to }) => `${from} → ${to}`))
      const allowed = Object.entries(calls).flatMap(([from, to]) => Object.keys(to).map((name) => `${from} → ${name}`))
      return [
        ...allowed.filter((call) => !made.has(call)).map((call) => `${call} is in the table, and nobody calls`),
        ...moduleNames(sources).flatMap((name) => (floors.includes(name) ? [] : [`${name} has no floor`])),
      ]
    },
    broken: { 'src/modules/attic/index.ts': '' },
  },
  {
    guarantee: 'nobody reaches into a module past its front door',
    violations: (sources) =>
      code(sources).flatMap((source) =>
        source.imports
          .filter(({ target }) => target !== null && moduleOf(target) && moduleOf(target) !== moduleOf(source.path))
          .map(({ line, target }) => `${at(source, line)} reaches ${target}: import #modules/${moduleOf(target!)}`),
      ),
    broken: { 'src/modules/points/store.ts': `import { x } from '../ledger/store.ts'\n` },
  },
  {
    guarantee: 'the platform knows no module',
    violations: (sources) =>
      platform(sources).flatMap((source) =>
        source.imports
          .filter(({ specifier, target }) => /^#(modules|app)/.test(specifier) || target?.startsWith('src/modules/'))
          .map(({ line }) => `${at(source, line)} imports a module: take what it needs as an argument`),
      ),
    broken: { 'src/platform/http.ts': `import { x } from '#modules/ledger'\n` },
  },
  {
    guarantee: 'the platform holds no business word',
    violations: (sources) =>
      platform(sources)
        .filter((source) => !(source.path in namesBusiness))
        .flatMap((source) =>
          everyLine(source, (line) => {
            const word = Object.keys(businessWords).find((name) =>
              new RegExp(`(\\b|_)${name}s?(\\b|_)`, 'i').test(line),
            )
            return word && `says "${word}": say "${businessWords[word]}", or move it into its module`
          }),
        ),
    broken: { 'src/platform/cache.ts': 'const wallets = new Map()\n' },
  },
  {
    guarantee: 'the floor of the composition root is above every module, and only commands and tests enter there',
    violations: (sources) =>
      code(sources)
        .filter(
          ({ path }) =>
            path.startsWith('src/') &&
            !isTest(path) &&
            !/^src\/(main|app|background|catalogue)\.ts$|^src\/commands\//.test(path),
        )
        .flatMap((source) =>
          source.imports
            .filter(
              ({ specifier, target }) =>
                /^#(app|catalogue)$/.test(specifier) || /^src\/(app|background|catalogue)\.ts$/.test(target ?? ''),
            )
            .map(({ line }) => `${at(source, line)} imports the composition root: take what it needs as an argument`),
        ),
    broken: { 'src/modules/points/jobs.ts': `import { buildApp } from '#app'\n` },
  },
  {
    guarantee: 'three hops lead from HTTP to SQL: routes call the module, and only the module calls the store',
    violations: (sources) =>
      code(sources).flatMap((source) =>
        source.imports
          .filter(({ target, isTypeOnly }) => {
            if (target === null || isTypeOnly) return false
            return (
              (/\/routes\.ts$/.test(source.path) && /store\.ts$/.test(target)) ||
              (/store\.ts$/.test(source.path) && /\/routes\.ts$/.test(target)) ||
              (/\/rules\.ts$/.test(source.path) && /(store|routes|database|work)\.ts$/.test(target))
            )
          })
          .map(({ line, target }) => `${at(source, line)} takes a hop too many to ${target}`),
      ),
    broken: { 'src/modules/points/routes.ts': `import { findLots } from './store.ts'\n` },
  },
  {
    guarantee: 'time is data: it is asked of the database, never of the machine',
    violations: (sources) =>
      code(sources)
        .filter(({ path }) => path.startsWith('src/') && !isTest(path) && !isListed(readsMachineClock, path))
        .flatMap((source) =>
          everyLine(source, (line) =>
            /\bnew Date\(\)|\bDate\.now\b|\bTemporal\.Now\b/.test(line)
              ? 'reads the machine’s clock: take the instant as an argument, work.now(), or performance.now() for a duration'
              : undefined,
          ),
        ),
    broken: { 'src/modules/points/points.ts': 'const now = new Date()\n' },
  },
  {
    guarantee: 'the environment is read in one place',
    violations: (sources) =>
      code(sources)
        .filter(({ path }) => path.startsWith('src/') && !isTest(path) && !isListed(readsEnvironment, path))
        .flatMap((source) =>
          everyLine(source, (line) =>
            /\bprocess\.env\b/.test(line) ? 'reads the environment: add a setting to config.ts' : undefined,
          ),
        ),
    broken: { 'src/platform/http.ts': 'const port = process.env.PORT\n' },
  },
]

function moduleImports(sources: readonly Source[]) {
  return modules(sources).flatMap((source) =>
    source.imports.flatMap(({ specifier, line }) => {
      const to = /^#modules\/(.+)$/.exec(specifier)?.[1]
      return to ? [{ source, line, from: moduleOf(source.path)!, to }] : []
    }),
  )
}
