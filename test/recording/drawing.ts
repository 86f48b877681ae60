import { widthOf } from '../../src/terminal/columns.ts'
import type { Cell, Line, Version } from './terminal.ts'

const columnWidth = 8.4
const lineHeight = 20
const padding = 16
const barHeight = 34
// How long the end is shown: first of all, and before it begins again.
const restMs = 6_000

/** An SVG that plays the lines of a terminal over and over, from their end on; where nothing moves it shows that. */
export function drawRecording(lines: readonly Line[], it: { title: string; columns: number; rows: number }): string {
  const endMs = Math.max(...lines.flatMap((versions) => versions.map(({ fromMs }) => fromMs)))
  const clock = openClock(endMs)
  const width = Math.ceil(it.columns * columnWidth + 2 * padding)
  const rows = Math.min(it.rows, lines.length)
  const height = Math.ceil(rows * lineHeight + padding + barHeight)
  const drawn = lines.flatMap((versions, line) =>
    versions.map((version) => drawVersion(version, { top: (line + 1) * lineHeight - 6, clock })),
  )
  const scroll = clock.scroll(lines, rows)
  const dots = [20, 38, 56].map((x) => `<circle cx="${x}" cy="17" r="5.5"/>`).join('')
  const view = `x="0" y="${barHeight}" width="${width}" height="${rows * lineHeight}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${escapeXml(it.title)}</title>
<style>
${look}
${clock.rules()}
${scroll.rules}
@media (prefers-reduced-motion: reduce) { g { animation: none !important } }
</style>
<rect width="${width}" height="${height}" rx="9" fill="#17171c"/>
<g fill="#3a3a44">${dots}</g>
<text x="${width / 2}" y="21.5" text-anchor="middle" class="dim">${escapeXml(it.title)}</text>
<svg ${view}><g class="scroll" transform="translate(${padding} ${scroll.endsAt})">
${drawn.filter((text) => text !== '').join('\n')}
</g></svg>
</svg>
`
}

const look = `text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono',
  'Noto Sans Mono CJK KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', 'Malgun Gothic', monospace;
  white-space: pre; fill: #e4e4ea }
.wide { font-size: 15.5px }
.bold { font-weight: 700; fill: #fff } .dim { fill: #8b8b98 } .red { fill: #ff7b72 } .green { fill: #6fd58a }
.yellow { fill: #e6c35c } .blue { fill: #7aa7ff } .magenta { fill: #c79bff } .cyan { fill: #6fd3dc }`

function drawVersion(version: Version, { top, clock }: { top: number; clock: ReturnType<typeof openClock> }): string {
  const texts = segmentsOf(version.cells).map(({ text, column, style }) => {
    // Fonts differ in their widths; the columns of a terminal don't.
    const length = rounded(widthOf(text) * columnWidth)
    const fit = `x="${rounded(column * columnWidth)}" y="${top}" textLength="${length}" lengthAdjust="spacingAndGlyphs"`
    const look = [style, widthOf(text) > text.length ? 'wide' : ''].filter(Boolean).join(' ')
    return `<text ${fit}${look ? ` class="${look}"` : ''}>${escapeXml(text)}</text>`
  })
  return texts.length === 0 ? '' : `<g class="${clock.classOf(version)}">${texts.join('')}</g>`
}

interface Segment {
  readonly text: string
  readonly column: number
  readonly style: string
}

/** Stretches of one style and one kind of character, without the spaces between columns. */
function segmentsOf(cells: readonly Cell[]): Segment[] {
  const segments: Segment[] = []
  let open: { text: string; column: number; style: string; kind: string } | null = null
  for (const [column, { text, style }] of cells.entries()) {
    if (text === '') continue
    const kind: string = text === ' ' && open?.kind === 'plain' ? 'plain' : kindOf(text)
    if (open && open.kind === kind && (open.style === style || text === ' ')) open.text += text
    else {
      close()
      open = { text, column, style, kind }
    }
    if (open.text.endsWith('  ')) close()
  }
  close()
  return segments

  function close(): void {
    const text = open?.text.trimEnd()
    if (open && text) segments.push({ text, column: open.column, style: open.style })
    open = null
  }
}

function kindOf(character: string): string {
  return character <= '~' ? 'plain' : widthOf(character) === 2 ? 'wide' : 'sign'
}

/** Turns times into the percentages of one animation. */
function openClock(endMs: number) {
  const totalMs = endMs + restMs
  const rules = new Map<string, string>()
  const percent = (ms: number) => `${rounded((ms / totalMs) * 100)}%`
  return {
    /** The class of what stands there for a while. */
    classOf({ fromMs, untilMs }: Version): string {
      const name = `v${fromMs}${untilMs === null ? '' : `-${untilMs}`}`
      const shown = `0%{visibility:hidden}${percent(fromMs)}{visibility:visible}`
      const gone = untilMs === null ? '' : `${percent(untilMs)}{visibility:hidden}`
      const still = untilMs === null ? '' : 'visibility:hidden;'
      const play = `.${name}{${still}animation:${name} ${totalMs}ms step-end ${-endMs}ms infinite}`
      if (fromMs > 0 || untilMs !== null) rules.set(name, `${play}@keyframes ${name}{${shown}${gone}}`)
      return name
    },
    rules: () => [...rules.values()].join('\n'),
    /** Moves all up as soon as there are more lines than rows. */
    scroll(lines: readonly Line[], rows: number): { rules: string; endsAt: number } {
      const place = (line: number) => -Math.max(0, line + 1 - rows) * lineHeight
      const steps = lines
        .flatMap((versions, line) => (versions[0] && line >= rows ? [{ atMs: versions[0].fromMs, line }] : []))
        .map(({ atMs, line }) => `${percent(atMs)}{transform:translate(${padding}px,${place(line)}px)}`)
      if (steps.length === 0) return { rules: '', endsAt: 0 }
      const start = `0%{transform:translate(${padding}px,0)}`
      const play = `.scroll{animation:scroll ${totalMs}ms step-end ${-endMs}ms infinite}`
      return { rules: `${play}@keyframes scroll{${start}${steps.join('')}}`, endsAt: place(lines.length - 1) }
    },
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(2))
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
