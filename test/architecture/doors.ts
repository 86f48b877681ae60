import { at, moduleNames, platform, type Rule } from './rule.ts'
import type { Source } from './sources.ts'

export const doorRules: readonly Rule[] = [
  {
    guarantee: 'every module has a front door and a page that says what it owns',
    violations: (sources) =>
      moduleNames(sources).flatMap((name) =>
        ['index.ts', 'README.md', `${name}.ts`]
          .filter((file) => !sources.some(({ path }) => path === `src/modules/${name}/${file}`))
          .map((file) => `src/modules/${name} has no ${file}`),
      ),
    broken: { 'src/modules/points/points.ts': '' },
  },
  {
    guarantee: 'what crosses a front door says what it promises',
    violations: (sources) =>
      [...frontDoorNames(sources), ...platformFunctions(sources)]
        .filter(({ source, line }) => !/\*\/\s*$/.test(source.lines[line - 2] ?? ''))
        .map(({ source, line, name }) => `${at(source, line)}: ${name} crosses a front door without a doc comment`),
    broken: {
      'src/modules/points/index.ts': `export { spendPoints } from './points.ts'\n`,
      'src/modules/points/points.ts': `export async function spendPoints() {}\n`,
    },
  },
]

interface Declaration {
  source: Source
  line: number
  name: string
}

function frontDoorNames(sources: readonly Source[]): Declaration[] {
  return sources
    .filter(({ path }) => /^src\/modules\/[^/]+\/index\.ts$/.test(path))
    .flatMap((door) =>
      Array.from(door.text.matchAll(/export\s+(?:type\s+)?(\*|\{[^}]*\})\s+from\s+'\.\/([^']+)'/g)).flatMap((match) => {
        const source = sources.find(({ path }) => path === door.path.replace(/index\.ts$/, match[2]!))
        if (!source) return []
        const names = match[1] === '*' ? null : match[1]!.match(/\w+(?=\s*(?:,|\}|\bas\b))/g)!
        return declarations(source).filter(({ name }) => names === null || names.includes(name))
      }),
    )
}

function platformFunctions(sources: readonly Source[]): Declaration[] {
  return platform(sources)
    .flatMap(declarations)
    .filter(({ source, line }) => /\bfunction\b/.test(source.lines[line - 1]!))
}

function declarations(source: Source): Declaration[] {
  return source.lines.flatMap((line, index) => {
    const name = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/.exec(line)?.[1]
    return name ? [{ source, line: index + 1, name }] : []
  })
}
