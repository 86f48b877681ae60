import { code, everyLine, isListed, isTest, migrations, moduleNames, moduleOf, modules, type Rule } from './rule.ts'

/** Files outside stores that hold SQL, and why. */
const holdsSql: Readonly<Record<string, string>> = {
  'src/commands/': 'a command line that looks into the database as its owner',
}

/** Who connects by an address that is no setting's. */
const connects: Readonly<Record<string, string>> = {
  'src/platform/connections.ts': 'the way to a database',
  'src/platform/postgres-hosts.ts': 'looks which of several hosts to go to',
  'src/platform/backup/base-backup.ts': 'speaks the replication protocol with the server that Podo keeps',
  'src/platform/embedded-postgres.ts': 'asks the server that it has started whether it answers',
}

/** What the doors go by: they recall it for a moment after it has changed. */
const takesAway =
  /update identity\.(session\s+set [^`]*\bended_at =|api_key\s+set [^`]*\b(revoked_at|expires_at) =|member\s+set [^`]*\brole =)/

export const sqlRules: readonly Rule[] = [
  {
    guarantee: 'SQL stands in stores only',
    violations: (sources) =>
      modules(sources)
        .filter(({ path }) => !/store\.ts$/.test(path) && !isListed(holdsSql, path))
        .flatMap((source) =>
          everyLine(source, (line) =>
            /\bsql\.(rows|run|send)\b/.test(line) ? 'runs SQL: give the statement a function in store.ts' : undefined,
          ),
        ),
    broken: { 'src/modules/points/points.ts': `await work.sql.rows('select 1')\n` },
  },
  {
    guarantee: 'every connection to a database goes the one way, which knows several hosts',
    violations: (sources) =>
      code(sources)
        .filter(({ path }) => path.startsWith('src/') && !isTest(path) && !isListed(connects, path))
        .flatMap((source) =>
          everyLine(source, (line) =>
            /\bconnectionString\b|new pg\.Client/.test(line) ? 'connects by itself: use connectionTo' : undefined,
          ),
        ),
    broken: { 'src/platform/jobs.ts': 'new pg.Pool({ connectionString: url })\n' },
  },
  {
    guarantee: 'a module’s SQL names its own schema only',
    violations: (sources) =>
      modules(sources).flatMap((source) =>
        everyLine(source, (line) => {
          const schema = /\b(?:from|join|into|update)\s+([a-z_]+)\.[a-z_]+\b/.exec(line)?.[1]
          if (!schema || schema === 'platform' || schema === moduleOf(source.path)) return
          return moduleNames(sources).includes(schema)
            ? `reads the schema ${schema}: call #modules/${schema}`
            : undefined
        }),
      ),
    broken: {
      'src/modules/points/store.ts': '  `select id from ledger.lot`\n',
      'src/modules/ledger/store.ts': '',
    },
  },
  {
    guarantee: 'a statement that takes away a right stands in a function that says so',
    violations: (sources) =>
      modules(sources)
        .filter(({ path }) => /store\.ts$/.test(path))
        .flatMap(({ path, text }) =>
          text
            .split(/^(?=export )/m)
            .filter((piece) => takesAway.test(piece) && !piece.includes('.withdraw('))
            .map((piece) => `${path}: ${/function (\w+)/.exec(piece)?.[1]} does not call work.withdraw`),
        ),
    broken: {
      'src/modules/identity/store.ts': 'export function updateRole() {\n  `update identity.member set role = $2`\n}\n',
    },
  },
  {
    guarantee: 'SQL is written in lower case',
    violations: (sources) =>
      sources
        .filter(({ path }) => /store\.ts$|\.sql$/.test(path))
        .flatMap((source) =>
          everyLine(source, (line) =>
            /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|WHERE|VALUES)\b/.test(line)
              ? 'shouts: SQL in lower case'
              : undefined,
          ),
        ),
    broken: { 'migrations/0001_loud.sql': 'CREATE TABLE x ()\n' },
  },
  {
    guarantee: 'migrations are numbered without a gap, and the first line says why in a sentence',
    violations: (sources) =>
      migrations(sources).flatMap((source, index) => {
        const number = String(index + 1).padStart(4, '0')
        const isNumbered = source.path.startsWith(`migrations/${number}_`)
        const hasReason =
          /^-- [A-Z].*[.:]$/.test(source.lines[0]!) || /^-- [A-Z][^\n]*\n(-- [^\n]*\n)*?-- [^\n]*\.\n/.test(source.text)
        return [
          ...(isNumbered ? [] : [`${source.path} should have the number ${number}`]),
          ...(hasReason ? [] : [`${source.path} does not begin with a comment of one sentence`]),
        ]
      }),
    broken: { 'migrations/0003_gap.sql': 'create schema x;\n' },
  },
  {
    guarantee: 'a migration touches one schema',
    violations: (sources) =>
      migrations(sources).flatMap((source) => {
        const made = source.text.matchAll(/^\s*(?:create|alter) (?:table|type|function|schema)\s+([a-z_]+)/gm)
        const schemas = new Set(Array.from(made, (match) => match[1]!))
        return schemas.size > 1 ? [`${source.path} touches ${[...schemas].join(' and ')}: one migration each`] : []
      }),
    broken: { 'migrations/0001_two.sql': '-- Two.\ncreate table a.x ();\ncreate table b.y ();\n' },
  },
]
