import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callRules } from './architecture/calls.ts'
import { doorRules } from './architecture/doors.ts'
import { readSources, toSource } from './architecture/sources.ts'
import { sqlRules } from './architecture/sql.ts'
import { writingRules } from './architecture/writing.ts'

const sources = await readSources()

test('the rules read the whole house, not an empty one', () => {
  const count = (start: string) => sources.filter(({ path }) => path.startsWith(start)).length
  assert.ok(count('src/platform/') > 5 && count('src/modules/') > 5 && count('migrations/') > 1 && count('test/') > 5)
  const imports = sources.flatMap((source) => source.imports)
  assert.ok(imports.some(({ specifier }) => specifier.startsWith('#platform/')))
  assert.ok(imports.some(({ target }) => target?.startsWith('src/modules/')))
})

for (const rule of [...callRules, ...sqlRules, ...doorRules, ...writingRules]) {
  test(rule.guarantee, () => {
    const broken = Object.entries(rule.broken).map(([path, text]) => toSource(path, text))
    assert.notDeepEqual(rule.violations(broken), [], 'the rule does not see the example that breaks it')
    const found = rule.violations(sources)
    if (found.length > 0) assert.fail(`\n${found.join('\n')}\n`)
  })
}
