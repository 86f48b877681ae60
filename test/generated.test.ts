import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { problems as servedProblems } from '#catalogue'
import { dataSchemaOf } from '#platform/events/kinds'
import { type Body, openApiHouse } from './api-house.ts'
import { root } from './architecture/sources.ts'
import { listedKinds, listPlaces, readPublishedPlaces } from './generated/event-list.ts'
import { generateFiles } from './generated/files.ts'
import { listProblems, readPublishedProblems } from './generated/problem-list.ts'

test('every generated file is as the code would make it now', async (t) => {
  const house = await openApiHouse(t)
  const files = await generateFiles(house)
  assert.ok(files.every(({ text }) => text.length > 100))
  const stale: string[] = []
  for (const { path, text } of files) {
    const committed = await readFile(join(root, path), 'utf8').catch(() => '')
    if (committed !== text) stale.push(path)
  }
  assert.deepEqual(stale, [], 'stale: run npm run generate, and commit what it writes')
})

test('the API document is valid OpenAPI 3.1, and every schema in it valid JSON Schema', async () => {
  const document: Body = JSON.parse(await readFile(join(root, 'openapi.json'), 'utf8'))
  assert.match(document.openapi, /^3\.1\./)
  const { valid, errors } = await new Validator().validate(document)
  assert.ok(valid, JSON.stringify(errors))
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const schemas = [...Object.values<Body>(document.components.schemas), ...listSchemas(document.paths)]
  assert.ok(schemas.length > 100)
  for (const schema of schemas) assert.ok(ajv.validateSchema(schema), `${ajv.errorsText()}: ${JSON.stringify(schema)}`)
})

/** Whatever stands under the name `schema`: of parameters, headers and contents. */
function listSchemas(value: Body): Body[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries<Body>(value).flatMap(([name, inner]) => (name === 'schema' ? [inner] : listSchemas(inner)))
}

test('no problem that was ever published disappears or changes its status, and new ones are written down', async () => {
  const problems = (await listProblems()).map(({ type, status }) => `${status} ${type}`)
  assert.ok(problems.length > 5)
  assert.equal(new Set(problems).size, problems.length)
  const published = await readPublishedProblems()
  const lost = published.filter((line) => !problems.includes(line))
  assert.deepEqual(lost, [], 'published problems that the code no longer has')
  const unknown = problems.filter((line) => !published.includes(line))
  assert.deepEqual(unknown, [], 'add these lines to test/published-problems.txt')
})

test('no place of an event that was ever published disappears or changes its type, and new ones are written down', async () => {
  const places = listedKinds.flatMap(listPlaces)
  assert.ok(places.length > 5)
  const published = await readPublishedPlaces()
  const lost = published.filter((line) => !places.includes(line))
  assert.deepEqual(lost, [], 'what consumers rely on and the code no longer has: make it another type of event')
  const unknown = places.filter((line) => !published.includes(line))
  assert.deepEqual(unknown, [], 'add these lines to test/published-events.txt')
})

test('the schema of every event is valid, open to more members, and says what happened in both languages', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  for (const kind of listedKinds) {
    const schema = dataSchemaOf(kind)
    assert.ok(ajv.validateSchema(schema), `${kind.type}: ${ajv.errorsText()}`)
    assert.doesNotMatch(JSON.stringify(schema), /"additionalProperties":false/, kind.type)
    assert.match(kind.description.ko, /[가-힣].*니다\./)
    assert.match(kind.description.en, /^[A-Z].*\.$/)
  }
})

test('every problem that is declared has a page of the service', async () => {
  const served = servedProblems.map(({ type }) => type).sort()
  const declared = (await listProblems()).map(({ type }) => type)
  assert.deepEqual(served, declared)
})

test('every problem says in Korean and in English what happened, with the same parameters', async () => {
  const wrong = (await listProblems()).filter(({ title, detail }) => {
    const parameters = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort().join()
    const isKorean = /[가-힣]/.test(title.ko) && /[가-힣]/.test(detail.ko) && !/요\.?$/.test(detail.ko)
    const isEnglish = /^[A-Z{]/.test(title.en) && /^[\x20-\x7e–—’“”−·…]+$/.test(title.en + detail.en)
    return !isKorean || !isEnglish || parameters(detail.ko) !== parameters(detail.en)
  })
  assert.deepEqual(
    wrong.map(({ type, title, detail }) => ({ type, title, detail })),
    [],
  )
})
