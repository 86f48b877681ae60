import { type Source, withoutComment } from './sources.ts'

/** One rule of the house, and a tree that breaks it, by which the rule proves that it can fail. */
export interface Rule {
  readonly guarantee: string
  /** What breaks the rule: where, and what to do instead. */
  violations(sources: readonly Source[]): string[]
  readonly broken: Readonly<Record<string, string>>
}

export function at(source: Source, line: number): string {
  return `${source.path}:${line}`
}

/** What `look` says of each line of code, comments left out. */
export function everyLine(source: Source, look: (line: string) => string | undefined): string[] {
  return source.lines.flatMap((line, index) => {
    const said = look(withoutComment(line))
    return said ? [`${at(source, index + 1)} ${said}`] : []
  })
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

export function isListed(list: Readonly<Record<string, string>>, path: string): boolean {
  return Object.keys(list).some((listed) => path === listed || (listed.endsWith('/') && path.startsWith(listed)))
}

export function code(sources: readonly Source[]): Source[] {
  return sources.filter(({ path }) => /\.(ts|js)$/.test(path))
}

export function platform(sources: readonly Source[]): Source[] {
  return sources.filter(({ path }) => path.startsWith('src/platform/') && !isTest(path))
}

/** Code but for the rules themselves, which quote what they forbid. */
export function unquoted(sources: readonly Source[]): Source[] {
  return code(sources).filter(({ path }) => !path.startsWith('test/architecture/'))
}

export function modules(sources: readonly Source[]): Source[] {
  return code(sources).filter(({ path }) => path.startsWith('src/modules/') && !isTest(path))
}

export function migrations(sources: readonly Source[]): Source[] {
  return sources.filter(({ path }) => path.endsWith('.sql'))
}

export function moduleOf(path: string): string | undefined {
  return /^src\/modules\/([^/]+)\//.exec(path)?.[1]
}

export function moduleNames(sources: readonly Source[]): string[] {
  return [...new Set(sources.flatMap(({ path }) => moduleOf(path) ?? []))]
}
