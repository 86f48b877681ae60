import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unavailable } from './http-problems.ts'
import { askTogether } from './questions.ts'

test('those who ask together travel together, and each gets the answer to the own question', async () => {
  const asked: (readonly number[])[] = []
  const ask = askTogether<number, number>({
    name: 'test',
    async ask(questions) {
      asked.push(questions)
      return questions.map((question) => question * 2)
    },
  })
  assert.deepEqual(await Promise.all([ask(1), ask(2), ask(3)]), [2, 4, 6])
  assert.deepEqual(asked, [[1, 2, 3]])
})

test('a question that fails fails alone', async () => {
  const ask = askTogether<string, string>({
    name: 'test',
    async ask(questions) {
      if (questions.includes('bad')) throw new Error('no answer')
      return questions
    },
  })
  const outcomes = await Promise.allSettled([ask('a'), ask('bad'), ask('b')])
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message)),
    ['a', 'no answer', 'b'],
  )
})

test('who cannot be answered just now is told so at once, and nobody is asked about again by themselves', async () => {
  let asked = 0
  const ask = askTogether<number, number>({
    name: 'test',
    async ask() {
      asked += 1
      throw unavailable()
    },
  })
  const outcomes = await Promise.allSettled([ask(1), ask(2), ask(3)])
  assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.kind.status === 503))
  assert.equal(asked, 1)
})
