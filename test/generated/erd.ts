import type { Sql } from '#platform/database'

interface Column {
  schema: string
  table: string
  column: string
  type: string
  isKey: boolean
}

interface Link {
  schema: string
  table: string
  column: string
  target: string
  isEnforced: boolean
}

/** An entity-relationship diagram (Mermaid) per schema of ours, read from a migrated database's catalogue. */
export async function renderDiagrams(sql: Sql): Promise<string> {
  const columns = await listColumns(sql)
  const enforced = await listForeignKeys(sql)
  const isEnforced = (link: Link) => enforced.some((key) => placeOf(key) === placeOf(link))
  const links = [...enforced, ...linksByName(columns).filter((link) => !isEnforced(link))]
  const schemas = [...new Set(columns.map(({ schema }) => schema))]
  return schemas
    .map((schema) => {
      const isHere = (row: { schema: string }) => row.schema === schema
      return `### ${schema}\n\n\`\`\`mermaid\n${renderDiagram(columns.filter(isHere), links.filter(isHere))}\n\`\`\`\n`
    })
    .join('\n')
}

function renderDiagram(columns: Column[], links: Link[]): string {
  const tables = [...new Set(columns.map(({ table }) => table))]
  return [
    'erDiagram',
    ...tables.flatMap((table) => [
      `  ${table} {`,
      ...columns
        .filter((column) => column.table === table)
        .map(({ type, column, isKey }) => `    ${type} ${column}${isKey ? ' PK' : ''}`),
      '  }',
    ]),
    ...links.map(
      ({ table, column, target, isEnforced }) => `  ${target} ||${isEnforced ? '--' : '..'}o{ ${table} : ${column}`,
    ),
  ].join('\n')
}

/** Columns that are named for the part that a row plays, and the table of that row. */
const targets: Readonly<Record<string, string>> = { payer_id: 'account', payee_id: 'account', reverses: 'transfer' }

// Foreign keys are rare where every transfer writes, so a column named after a table of its schema counts as a link.
function linksByName(columns: Column[]): Link[] {
  return columns.flatMap(({ schema, table, column }) => {
    const target = targets[column] ?? /^(?:source_)?(\w+)_ids?$/.exec(column)?.[1]
    const isTable = columns.some((other) => other.schema === schema && other.table === target)
    return target && isTable ? [{ schema, table, column, target, isEnforced: false }] : []
  })
}

function placeOf({ schema, table, column }: Link): string {
  return `${schema}.${table}.${column}`
}

function listColumns(sql: Sql): Promise<Column[]> {
  return sql.rows(
    `select n.nspname as schema, c.relname as "table", a.attname as column,
       replace(replace(format_type(a.atttypid, null), 'timestamp with time zone', 'timestamptz'), n.nspname || '.', '')
         as type,
       exists (
         select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey)
       ) as "isKey"
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p') and not c.relispartition
       and n.nspname not in ('pg_catalog', 'information_schema', 'public', 'graphile_worker')
     order by n.nspname, c.relname, a.attnum`,
  )
}

async function listForeignKeys(sql: Sql): Promise<Link[]> {
  const keys = await sql.rows<Omit<Link, 'isEnforced'>>(
    `select n.nspname as schema, c.relname as "table", a.attname as column, t.relname as target
     from pg_constraint k
     join pg_class c on c.oid = k.conrelid
     join pg_namespace n on n.oid = c.relnamespace
     join pg_class t on t.oid = k.confrelid
     join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
     where k.contype = 'f' and k.conparentid = 0 and n.nspname not in ('public', 'graphile_worker')
     order by n.nspname, c.relname, a.attname`,
  )
  return keys.map((key) => ({ ...key, isEnforced: true }))
}
