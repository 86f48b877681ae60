import { at, code, everyLine, isTest, migrations, type Rule, unquoted } from './rule.ts'

// After a Latin word, a value or a closing mark; Hangul before it would be a word of its own.
const looseParticle = /[\w"'`)\]}] (?:은|는|이|가|을|를|의|에|에서|에는|으로|로|와|과|이나|입니다)(?=[\s.,:;)]|$)/
const undecidedParticle = /은\(는\)|\(은\)는|이\(가\)|\(이\)가|을\(를\)|\(을\)를|[와과]\([와과]\)|\(으\)로/

/** Files longer than the limit, and why they are not cut. */
const longFiles: Readonly<Record<string, string>> = {}

const linesMax = 400
const columnsMax = 120
// One text, one expression or the name of a test is not broken up: it has to be found by searching for it.
const unbreakable = /^\s*(?:(?:ko|en): |[?:] )?(?:(['"`]).*\1(?: \+|[,;])?|\/.*\/[a-z]*)$|^\s*(?:test|describe)\(/

export const writingRules: readonly Rule[] = [
  {
    guarantee: 'folders are named by noun, never by layer',
    violations: (sources) =>
      sources.flatMap(({ path }) => {
        const folder = /(?:^|\/)(utils?|helpers?|common|shared|misc|lib|types|interfaces|services)\//.exec(path)?.[1]
        return folder ? [`${path}: a folder "${folder}" says nothing; name it for what it holds`] : []
      }),
    broken: { 'src/platform/utils/strings.ts': '' },
  },
  {
    guarantee: 'names say what a thing is, not that it is one',
    violations: (sources) =>
      unquoted(sources).flatMap((source) =>
        everyLine(source, (line) => {
          const declared = /^(?:export )?(?:async )?(?:class|interface|type|function|const) (\w+)/.exec(line)?.[1]
          const isEmpty = declared && /^I[A-Z][a-z]|(?:Impl|Manager|Helper|Utils?|Info)$/.test(declared)
          return isEmpty ? `names "${declared}": name it for what it does, without the ending` : undefined
        }),
      ),
    broken: { 'src/platform/cache.ts': 'class CacheManager {}\n' },
  },
  {
    guarantee: 'a file is short enough to be read at a sitting',
    violations: (sources) =>
      code(sources)
        .filter(({ path, lines }) => lines.length > linesMax + 1 && !isTest(path) && !(path in longFiles))
        .map(({ path, lines }) => `${path} has ${lines.length - 1} lines, more than ${linesMax}: cut it by noun`),
    broken: { 'src/platform/long.ts': '\n'.repeat(linesMax + 1) },
  },
  {
    guarantee: 'a line fits the page',
    violations: (sources) =>
      [...code(sources), ...migrations(sources)].flatMap((source) =>
        source.lines.flatMap((line, index) =>
          line.length > columnsMax && !unbreakable.test(line)
            ? [`${at(source, index + 1)} has ${line.length} columns, more than ${columnsMax}`]
            : [],
        ),
      ),
    broken: { 'src/platform/wide.ts': 'x'.repeat(columnsMax + 1) },
  },
  {
    guarantee: 'a Korean particle stands at its word, and none is left to the reader to choose',
    violations: (sources) =>
      code(sources)
        .filter(({ path }) => !isTest(path))
        .flatMap((source) =>
          everyLine(source, (line) => {
            const [found] = looseParticle.exec(line) ?? undecidedParticle.exec(line) ?? []
            return found && `has "${found}": write the particle at its word, or put what it depends on into brackets`
          }),
        ),
    broken: { 'src/platform/loose.ts': `const text = 'Podo${' '}가 시작했습니다.'\n` },
  },
  {
    guarantee: 'nothing is left for later',
    violations: (sources) =>
      [...unquoted(sources), ...migrations(sources)].flatMap((source) =>
        source.lines.flatMap((line, index) =>
          new RegExp(
            `\\b(${['TO', 'FIX'].map((word) => word + (word === 'TO' ? 'DO' : 'ME')).join('|')}|XXX|HACK)\\b`,
          ).test(line)
            ? [`${at(source, index + 1)} leaves something for later: do it, or write it into the issue`]
            : [],
        ),
      ),
    broken: { 'src/platform/later.ts': `// ${'TO'}${'DO'}: later\n` },
  },
  {
    guarantee: 'no check is silenced',
    violations: (sources) =>
      unquoted(sources).flatMap((source) =>
        source.lines.flatMap((line, index) =>
          /@ts-(ignore|nocheck|expect-error)|\.only\(|\bonly: true\b/.test(line)
            ? [`${at(source, index + 1)} silences a check: mend what it complains of`]
            : [],
        ),
      ),
    broken: { 'src/platform/quiet.ts': `// @ts-${'ignore'}\n` },
  },
  {
    guarantee: 'tests never sleep: they wait for a condition',
    violations: (sources) =>
      code(sources)
        .filter(({ path }) => isTest(path))
        .flatMap((source) =>
          everyLine(source, (line) =>
            /\bsleep\(|setTimeout\(|node:timers\/promises/.test(line)
              ? 'sleeps: wait with until(…) of #test/harness'
              : undefined,
          ),
        ),
    broken: { 'src/platform/tired.test.ts': 'await sleep(100)\n' },
  },
  {
    guarantee: 'a test’s name is a sentence',
    violations: (sources) =>
      code(sources)
        .filter(({ path }) => isTest(path))
        .flatMap((source) =>
          everyLine(source, (line) => {
            const name = /^\s*(?:test|it)\((['"`])(.+?)\1/.exec(line)?.[2]
            return name && name.split(' ').length < 4 ? `"${name}" is no sentence: say what is guaranteed` : undefined
          }),
        ),
    broken: { 'src/platform/short.test.ts': `test('it works', () => {})\n` },
  },
]
