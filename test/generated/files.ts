import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderEnvExample } from '#platform/config'
import { dumpSchema } from '#platform/schema-dump'
import type { ApiHouse } from '../api-house.ts'
import { root } from '../architecture/sources.ts'
import { renderDiagrams } from './erd.ts'
import { listProblems, renderProblemPage } from './problem-list.ts'

/** A committed file that is made from the code. */
export interface GeneratedFile {
  /** From the root. */
  readonly path: string
  readonly text: string
}

/** All of them, as they should be now. */
export async function generateFiles({ ownerSql, get }: ApiHouse): Promise<GeneratedFile[]> {
  return [
    { path: 'schema.sql', text: await dumpSchema(ownerSql) },
    { path: 'openapi.json', text: `${JSON.stringify((await get('/openapi.json')).body, null, 2)}\n` },
    { path: '.env.example', text: renderEnvExample() },
    { path: 'docs/problems.md', text: renderProblemPage(await listProblems()) },
    { path: 'ARCHITECTURE.md', text: await withDiagrams(await renderDiagrams(ownerSql)) },
  ]
}

const marks = ['<!-- diagrams: made by npm run generate -->', '<!-- end of diagrams -->'] as const

async function withDiagrams(diagrams: string): Promise<string> {
  const text = await readFile(join(root, 'ARCHITECTURE.md'), 'utf8')
  const [start, end] = marks.map((mark) => text.indexOf(mark)) as [number, number]
  if (start < 0 || end < start) throw new Error(`ARCHITECTURE.md lacks the lines ${marks.join(' and ')}`)
  return `${text.slice(0, start + marks[0].length)}\n\n${diagrams}\n${text.slice(end)}`
}
