import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Rows by their keys, in the order in which they first came. A row is never changed: another takes its place. */
export interface Table<Row> {
  get(key: string): Row | undefined
  set(key: string, row: Row): void
  delete(key: string): void
  values(): Row[]
  readonly size: number
}

/** What a stand-in remembers. */
export interface Store {
  table<Row>(name: string): Table<Row>
}

/** In memory; with a file, also in a journal that whoever opens it next begins with. */
export function openStore(file: string | null): Store {
  const tables = new Map<string, Map<string, unknown>>()
  const rowsOf = (name: string) => {
    const rows = tables.get(name) ?? new Map<string, unknown>()
    tables.set(name, rows)
    return rows
  }
  if (file !== null && existsSync(file)) {
    for (const [name, key, row] of readJournal(file)) {
      if (row === undefined) rowsOf(name).delete(key)
      else rowsOf(name).set(key, row)
    }
  }
  const toLine = (change: unknown[]) => `${JSON.stringify(change)}\n`
  if (file !== null) {
    const kept = [...tables].flatMap(([name, rows]) => [...rows].map(([key, row]) => toLine([name, key, row])))
    writeFileSync(`${file}.new`, kept.join(''))
    renameSync(`${file}.new`, file)
  }
  const note = (change: unknown[]) => {
    if (file !== null) appendFileSync(file, toLine(change))
  }
  return {
    table<Row>(name: string): Table<Row> {
      const rows = rowsOf(name) as Map<string, Row>
      return {
        get: (key) => rows.get(key),
        set(key, row) {
          rows.set(key, row)
          note([name, key, row])
        },
        delete(key) {
          if (rows.delete(key)) note([name, key])
        },
        values: () => [...rows.values()],
        get size() {
          return rows.size
        },
      }
    },
  }
}

/** Whoever was killed while writing leaves half a line at the end, which nobody was told of. */
function readJournal(file: string): [name: string, key: string, row?: unknown][] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line, index) => {
    try {
      return JSON.parse(line)
    } catch {
      throw new Error(`${file}: line ${index + 1} is not what a stand-in wrote; give another file`)
    }
  })
}
