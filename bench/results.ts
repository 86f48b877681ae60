import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Result, renderTable, shown } from './report.ts'

const baselineFile = join(import.meta.dirname, 'baseline.json')

/** Everything that benches leave on the disk; the repository ignores it. */
export const benchFolder = join(import.meta.dirname, '..', '.podo', 'bench')
const resultsFolder = join(benchFolder, 'results')

/** Keeps the result as the last one of its bench. */
export async function keepResult(result: Result): Promise<void> {
  await mkdir(resultsFolder, { recursive: true })
  await writeFile(join(resultsFolder, `${result.name}.json`), toJson(result))
}

/** Makes the last results the baseline; benches that were not run keep theirs. */
export async function saveBaseline(): Promise<readonly string[]> {
  const last = await readLast()
  const baseline = new Map([...(await readBaseline()), ...last])
  const sorted = [...baseline.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  await writeFile(baselineFile, toJson(sorted))
  return [...last.keys()]
}

/** The last results beside the baseline, figure by figure. */
export async function compareWithBaseline(names: readonly string[]): Promise<string> {
  const baseline = await readBaseline()
  const last = await readLast()
  const chosen = [...last.values()].filter((result) => names.length === 0 || names.includes(result.name))
  if (chosen.length === 0) return 'Nothing to compare yet: run a bench first.'
  return chosen.map((result) => renderChange(result, baseline.get(result.name))).join('\n\n')
}

function renderChange(result: Result, before: Result | undefined): string {
  if (!before) return `${result.name}: ${shown(result.ratio)}, not in the baseline`
  const rows = [{ name: 'ratio', value: result.ratio, unit: '' }, ...result.figures].map(({ name, value, unit }) => {
    const was = name === 'ratio' ? before.ratio : before.figures.find((figure) => figure.name === name)?.value
    return [`${name}${unit ? ` (${unit})` : ''}`, shown(was ?? null), shown(value), change(was, value)]
  })
  return renderTable([result.name, 'baseline', 'now', 'change'], rows)
}

function change(was: number | undefined, value: number): string {
  if (!was) return '–'
  const percent = Math.round((value / was - 1) * 100)
  return `${percent > 0 ? '+' : ''}${percent} %`
}

async function readBaseline(): Promise<Map<string, Result>> {
  const results = JSON.parse(await readFile(baselineFile, 'utf8')) as Result[]
  return new Map(results.map((result) => [result.name, result]))
}

async function readLast(): Promise<Map<string, Result>> {
  const files = await readdir(resultsFolder).catch(() => [])
  const results = new Map<string, Result>()
  for (const file of files.sort()) {
    const result = JSON.parse(await readFile(join(resultsFolder, file), 'utf8')) as Result
    results.set(result.name, result)
  }
  return results
}

export function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
