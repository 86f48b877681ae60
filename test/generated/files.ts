import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderEnvExample } from '#platform/config'
import { dumpSchema } from '#platform/schema-dump'
import type { Result } from '../../bench/report.ts'
import type { ApiHouse } from '../api-house.ts'
import { root } from '../architecture/sources.ts'
import { renderBenchTable } from './bench-table.ts'
import { renderDiagrams } from './erd.ts'
import { generateEvents } from './event-list.ts'
import { listProblems, renderProblemPage } from './problem-list.ts'

/** A committed file that is made from the code. */
export interface GeneratedFile {
  /** From the root. */
  readonly path: string
  readonly text: string
}

/** All of them, as they should be now. */
export async function generateFiles({ ownerSql, get }: ApiHouse): Promise<GeneratedFile[]> {
  const baseline = JSON.parse(await readFile(join(root, 'bench/baseline.json'), 'utf8')) as Result[]
  return [
    { path: 'schema.sql', text: await dumpSchema(ownerSql) },
    { path: 'openapi.json', text: `${JSON.stringify((await get('/openapi.json')).body, null, 2)}\n` },
    { path: '.env.example', text: renderEnvExample() },
    { path: 'docs/problems.md', text: renderProblemPage(await listProblems()) },
    ...generateEvents(),
    await fill('ARCHITECTURE.md', 'diagrams', await renderDiagrams(ownerSql)),
    await fill('README.md', 'bench', renderBenchTable(baseline, 'en')),
    await fill('README.ko.md', 'bench', renderBenchTable(baseline, 'ko')),
  ]
}

/** The document with what is generated between its two marks. */
async function fill(path: string, name: string, generated: string): Promise<GeneratedFile> {
  const text = await readFile(join(root, path), 'utf8')
  const opening = `<!-- ${name}: made by npm run generate -->`
  const ending = `<!-- end of ${name} -->`
  const [start, end] = [text.indexOf(opening), text.indexOf(ending)]
  if (start < 0 || end < start) throw new Error(`${path} lacks the lines ${opening} and ${ending}`)
  const middle = generated === '' ? '\n' : `\n\n${generated}\n`
  return { path, text: `${text.slice(0, start + opening.length)}${middle}${text.slice(end)}` }
}
