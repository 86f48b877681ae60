import type { Bench, Figure, Findings, Measure } from './bench.ts'
import type { Environment } from './environment.ts'

/** What a run leaves behind. */
export interface Result {
  readonly name: string
  readonly ratio: number
  readonly must: number
  readonly goal: number
  readonly environment: Environment
  readonly figures: readonly Figure[]
}

export function toResult(bench: Bench, findings: Findings, environment: Environment): Result {
  const figures = Object.entries(findings.sides).flatMap(([side, measure]) => toFigures(side, measure))
  const { name, must, goal } = bench
  return { name, ratio: rounded(findings.ratio), must, goal, environment, figures: [...figures, ...findings.figures] }
}

function toFigures(side: string, measure: Measure): Figure[] {
  return columns
    .map(({ name, unit, of }) => ({ name: name ? `${side}: ${name}` : side, value: of(measure), unit }))
    .filter((figure): figure is Figure => figure.value !== null)
    .map((figure) => ({ ...figure, value: rounded(figure.value) }))
}

interface Column {
  readonly title: string
  readonly name: string
  readonly unit: string
  of(measure: Measure): number | null
}

const columns: readonly Column[] = [
  { title: '1/s', name: '', unit: '1/s', of: (measure) => measure.rate },
  { title: 'p50 ms', name: 'p50', unit: 'ms', of: (measure) => measure.p50Ms },
  { title: 'p99 ms', name: 'p99', unit: 'ms', of: (measure) => measure.p99Ms },
  { title: 'p99.9 ms', name: 'p99.9', unit: 'ms', of: (measure) => measure.p999Ms },
  { title: 'CPU µs', name: 'CPU each', unit: 'µs', of: (measure) => measure.cpuUs },
  { title: 'PG CPU µs', name: 'PostgreSQL CPU each', unit: 'µs', of: (measure) => measure.postgresCpuUs },
  { title: 'peak MB', name: 'peak memory', unit: 'MB', of: (measure) => measure.peakMemoryMb },
]

export function renderFindings(bench: Bench, findings: Findings): string {
  const rows = Object.entries(findings.sides).map(([side, measure]) => [
    side,
    ...columns.map((column) => shown(column.of(measure))),
  ])
  const figures = findings.figures.map((figure) => `${figure.name}: ${shown(figure.value)} ${figure.unit}`)
  const isEnough = findings.ratio >= bench.must
  return [
    renderTable(['', ...columns.map((column) => column.title)], rows),
    '',
    ...figures,
    ...(findings.notes ?? []),
    ...findings.musts.map((must) => `${must.holds ? 'holds' : 'FAILS'}: ${must.says}`),
    `${isEnough ? 'holds' : 'FAILS'}: ${bench.name} = ${shown(findings.ratio)} (must ${bench.must}, goal ${bench.goal})`,
  ].join('\n')
}

export function renderEnvironment(environment: Environment): string {
  const width = Math.max(...Object.keys(environment).map((name) => name.length))
  return Object.entries(environment)
    .map(([name, value]) => `${name.padEnd(width)}  ${value}`)
    .join('\n')
}

/** Columns as wide as their widest cell; the first to the left, numbers to the right. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  return all
    .map((row) =>
      widths
        .map((width, column) =>
          column === 0 ? (row[column] ?? '').padEnd(width) : (row[column] ?? '').padStart(width),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Three digits that matter. */
export function shown(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '–'
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
