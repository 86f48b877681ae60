import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProblemKind } from '#platform/problem'
import { readSources, root } from '../architecture/sources.ts'

/** Every problem that the house declares, in the order of their types. */
export async function listProblems(): Promise<ProblemKind[]> {
  const sources = await readSources()
  const declaring = sources.filter(
    ({ path, text }) => /^src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts') && /= defineProblems\(/.test(text),
  )
  const kinds: ProblemKind[] = []
  for (const { path } of declaring) {
    const exported = Object.values(await import(join(root, path)))
    const found = exported.flatMap((value) => Object.values(value ?? {}).filter(isProblemKind))
    if (found.length === 0) throw new Error(`${path} declares problems and exports none`)
    kinds.push(...found)
  }
  return kinds.sort((a, b) => (a.type < b.type ? -1 : 1))
}

/** `status type` of every problem that was ever published; the list only grows. */
export async function readPublishedProblems(): Promise<string[]> {
  const text = await readFile(join(root, 'test', 'published-problems.txt'), 'utf8')
  return text.trim().split('\n')
}

/** The page that lists every problem, in both languages. */
export function renderProblemPage(problems: readonly ProblemKind[]): string {
  const sections = problems.map(
    ({ type, status, title, detail }) =>
      `### \`${type}\`\n\n**${status}**\n\n- ${title.en}. ${detail.en}\n- ${title.ko}. ${detail.ko}\n`,
  )
  return [introduction, ...sections].join('\n')
}

const introduction = `# Problems

Every refusal that the API can answer, made from the code by \`npm run generate\`. \`{…}\` stands for a member of the
problem of that name. The list only grows: a type is never renamed, and never changes its status.
`

function isProblemKind(value: unknown): value is ProblemKind {
  return typeof value === 'object' && value !== null && 'type' in value && String(value.type).startsWith('/problems/')
}
