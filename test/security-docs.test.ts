import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './architecture/sources.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const ids = Array.from(read('docs/security/asvs-5.0.0-ids.txt').matchAll(/^([\d.]+) ([12])$/gm), (match) => match[1]!)
const states = ['met', 'n/a', 'operator', 'open']

interface Row {
  readonly named: string
  readonly state: string
  readonly answer: string
}

const rows: readonly Row[] = read('docs/security/asvs.md')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const [named, , state, ...answer] = line.slice(2, -2).split(' | ')
    return { named: named!, state: state!, answer: answer.join(' | ') }
  })

/** The ids that a cell names: 6.2.1, several with commas, or from one to another. */
function idsOf(named: string): string[] {
  return named.split(', ').flatMap((part) => {
    const [first, last = first] = part.split('–')
    const [from, to] = [ids.indexOf(first!), ids.indexOf(last!)]
    return from === -1 || to === -1 ? [`${part}?`] : ids.slice(from, to + 1)
  })
}

/** What an answer names that is not there: `a file`, "a test" of the file before, or `aFunction()` of it. */
function mistakesOf({ named, answer }: Row): string[] {
  const found: string[] = []
  let text = ''
  for (const [whole, code, sentence] of answer.matchAll(/`([^`]+)`|"([^"]+)"/g)) {
    if (code !== undefined && isPath(code)) {
      const isThere = existsSync(join(root, code))
      text = isThere ? read(code) : ''
      if (!isThere) found.push(`${named}: ${whole}`)
    } else {
      const name = /^(\w+)\(\)$/.exec(code ?? '')?.[1]
      const isNamed = name === undefined || new RegExp(`\\bfunction ${name}\\(`).test(text)
      const isTested = sentence === undefined || quotes.some((quote) => text.includes(quoted(sentence, quote)))
      if (!isNamed || !isTested) found.push(`${named}: ${whole}`)
    }
  }
  return found
}

const quotes = ["'", '"', '`']

/** The test's name as its file has it; what is different from one to the next of many tests stands as … at its end. */
function quoted(sentence: string, quote: string): string {
  return quote + (sentence.endsWith('…') ? `${sentence.slice(0, -1)}\${` : sentence + quote)
}

function isPath(code: string): boolean {
  return /^\.?[\w-]+([./][\w-]+)*\.(ts|md|json|example)$/.test(code)
}

test('every requirement of levels 1 and 2 of ASVS 5.0.0 stands in the table once', () => {
  assert.equal(ids.length, 253)
  const listed = rows.flatMap(({ named }) => idsOf(named))
  assert.deepEqual(
    ids.filter((id) => !listed.includes(id)),
    [],
    'missing',
  )
  assert.deepEqual(
    listed.filter((id, at) => !ids.includes(id) || listed.indexOf(id) !== at),
    [],
    'twice, or no requirement',
  )
})

test('every file, test and function that the table names is there', () => {
  assert.ok(rows.length > 100)
  assert.deepEqual(rows.flatMap(mistakesOf), [])
})

test('every row says how it stands: what is met names what answers it, what is the operator’s names a page', () => {
  const silent = rows.filter(({ state, answer }) => {
    if (!states.includes(state) || answer.trim() === '') return true
    return (
      (state === 'met' && !/`[^`]+`|\]\(/.test(answer)) || (state === 'operator' && !answer.includes('](../guide/'))
    )
  })
  assert.deepEqual(
    silent.map(({ named }) => named),
    [],
  )
})
