import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join, posix } from 'node:path'

/** One file of the tree, as the rules of the house read it. */
export interface Source {
  /** From the root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  readonly imports: readonly Import[]
}

export interface Import {
  readonly specifier: string
  /** Path from the root of what a relative import names; null for packages and aliases. */
  readonly target: string | null
  readonly isTypeOnly: boolean
  readonly line: number
}

export const root = join(import.meta.dirname, '..', '..')

/** Every file of ours that is written by hand. */
export async function readSources(): Promise<Source[]> {
  const paths = await Array.fromAsync(
    glob(['{src,test,bench,bin,sandbox}/**/*.{ts,js}', 'migrations/*.sql', 'src/modules/*/README.md'], { cwd: root }),
  )
  return paths.sort().map((path) => toSource(path, readFileSync(join(root, path), 'utf8')))
}

export function toSource(path: string, text: string): Source {
  return { path, text, lines: text.split('\n'), imports: path.endsWith('.md') ? [] : findImports(path, text) }
}

const importPattern =
  /(?:^|\n)[ \t]*(?:import|export)\s+(type\s)?(?:[^'"`;()]*?\sfrom\s+)?'([^'\n]+)'|\bimport\('([^'\n]+)'\)/g

function findImports(path: string, text: string): Import[] {
  return Array.from(text.matchAll(importPattern), (match) => {
    const specifier = (match[2] ?? match[3])!
    return {
      specifier,
      target: specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : null,
      isTypeOnly: match[1] !== undefined,
      line: text.slice(0, match.index).split('\n').length,
    }
  })
}

/** The line with what stands in comments taken out; lines that begin with a star are a block's. */
export function withoutComment(line: string): string {
  if (/^\s*(\*|\/\*|--)/.test(line)) return ''
  return line.replace(/(^|\s)(\/\/|--\s).*$/, '')
}
