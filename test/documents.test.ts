import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { root } from './architecture/sources.ts'

const paths = await Array.fromAsync(glob(['*.md', 'docs/**/*.md', '{src,test,bench,sandbox}/**/*.md'], { cwd: root }))
const documents = paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

test('every link in a document leads to something that is there', () => {
  const links = documents.flatMap(({ path, text }) =>
    Array.from(text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g), (match) => ({ path, target: match[1]! })),
  )
  assert.ok(links.length > 0)
  assert.deepEqual(
    links.filter(({ path, target }) => !existsSync(join(root, dirname(path), target))),
    [],
  )
})

test('every npm script that a document names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  const named = documents.flatMap(({ path, text }) =>
    Array.from(text.matchAll(/\bnpm run ([a-z][\w:]*)/g), (match) => ({ path, script: match[1]! })),
  )
  assert.ok(named.length > 0)
  assert.deepEqual(
    named.filter(({ script }) => !(script in scripts)),
    [],
  )
})

test('every file of the tree that a document names is there', () => {
  const named = documents.flatMap(({ path, text }) =>
    Array.from(text.matchAll(/`((?:src|test|bench|bin|migrations|docs)\/[\w./-]+)`/g), (match) => ({
      path,
      file: match[1]!,
    })),
  )
  assert.ok(named.length > 0)
  assert.deepEqual(
    named.filter(({ file }) => !/NNNN/.test(file) && !existsSync(join(root, file))),
    [],
  )
})

test('the first test that CONTRIBUTING.md shows is one that runs', () => {
  const guide = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const shown = /```ts\n(.*?)```/s.exec(guide)?.[1]
  assert.ok(shown && readFileSync(join(root, 'test/api-house.test.ts'), 'utf8').startsWith(shown))
})
