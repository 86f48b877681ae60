import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeDeadLetter } from '#test/dead-letters'
import { openHouse } from '#test/harness'

const main = join(import.meta.dirname, '../main.ts')
const house = await openHouse({ after })

function podo(command: string, LANG = 'C') {
  const env = { ...process.env, DATABASE_URL: house.serviceUrl, PODO_TIME_ZONE: 'Asia/Seoul', LANG }
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, [main, 'dead-letters', ...command.split(' ')], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

test('podo dead-letters lists and shows them in both languages, and as the JSON of the API', async () => {
  const failedAt = '2026-11-20T12:00:00Z'
  const id = await makeDeadLetter(house, { subscription: 'earning', failedAt, error: 'Error: not\n\u001b[31m today' })
  const [english, korean, whole, json] = await Promise.all([
    podo('list'),
    podo('list', 'ko_KR.UTF-8'),
    podo(`show ${id}`),
    podo('list --json --from=2026-11-20 --to=2026-11-20'),
  ])
  const line = new RegExp(`\n${id}  2026-11-20 21:00:00  earning +points.spent  Error: not \\[31m today\n`)
  assert.match(english.output, line)
  assert.match(english.output, /^ID +FAILED AT +SUBSCRIPTION +EVENT +ERROR\n/)
  assert.match(english.output, /\n1 shown\. See one with "podo dead-letters show <ID>"/)
  assert.match(korean.output, /^ID +실패 시각 +구독자 +이벤트 +오류\n/)
  assert.match(korean.output, line)
  const [letter] = JSON.parse(json.output)
  assert.deepEqual([letter.id, letter.attempts, letter.failedAt], [id, 5, '2026-11-20T12:00:00.000Z'])
  assert.match(whole.output, new RegExp(`\nSUBJECT +${letter.event.subject}\n`))
  assert.deepEqual(JSON.parse(whole.output.slice(whole.output.indexOf('\n{'))), letter.event)
})

test('podo dead-letters redrive sends one, those that fit, or all again, each once, and none without being told which', async () => {
  const make = (subscription: string) => makeDeadLetter(house, { subscription })
  const [one] = [await make('one'), await make('one'), await make('two'), await make('two'), await make('three')]
  const options = [`--ids=${one},${one}`, '--subscription=two', '--subscription=two']
  const redriven = async (option: string) => JSON.parse((await podo(`redrive --json ${option}`)).output).redriven
  const [byId, ...byName] = await Promise.all(options.map(redriven))
  assert.deepEqual([byId, byName.toSorted()], [1, [0, 2]])
  assert.match((await podo('redrive --all', 'ko_KR.UTF-8')).output, /^\d건을 다시 보냈습니다\./)
  assert.match((await podo('list')).output, /^There are no such dead letters\.\n$/)
  const acts = "select from platform.audit where actor_type = 'system' and action = 'redriveDeadLetter'"
  assert.ok((await house.ownerSql.rows(acts)).length >= 5)
})

test('what is asked for wrongly is answered by a sentence', async () => {
  const mistakes = [
    ['redrive', /^Say which with --ids/],
    ['show nonsense', /^Check its id\./],
    ['list --from=yesterday --subject=1', /^--from: /],
    ['list --limit=0', /^--limit must be/],
  ] as const
  const answers = await Promise.all(mistakes.map(([command]) => podo(command)))
  for (const [at, { code, output }] of answers.entries()) {
    assert.equal(code, 1)
    assert.match(output, mistakes[at]![1])
  }
})
