import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type House, openHouse } from '#test/harness'
import { createOnce } from './create-once.ts'
import { uniqueViolation } from './database.ts'
import { idempotencyKey, idempotencyProblems } from './idempotency.ts'
import { newId } from './ids.ts'
import { defineProblems, Problem, type ProblemKind } from './problem.ts'
import type { Work } from './work.ts'

const actor = { type: 'operator', id: null } as const
const text = { ko: '안 됩니다', en: 'No' }
const refusals = defineProblems('test', {
  taken: { status: 409, title: text, detail: text },
  wrong: { status: 400, title: text, detail: text },
  unfit: { status: 422, title: text, detail: text },
})

const keyOf = (key: string, body: object = {}) =>
  idempotencyKey(actor, { key, method: 'POST', path: '/v1/things', body })
const refusedAs = (kind: ProblemKind, replayed: boolean) => (error: unknown) =>
  error instanceof Problem && error.kind.type === kind.type && 'Idempotent-Replayed' in error.headers === replayed

async function openThings(house: House) {
  await house.ownerSql.run('create table platform.thing (name text constraint thing_name_unique unique)')
  await house.ownerSql.run('grant select, insert on platform.thing to podo_service')
  return {
    count: async () => (await house.ownerSql.rows<{ n: number }>('select count(*) as n from platform.thing'))[0]!.n,
    insert: async (work: Work, name: string) => {
      try {
        await work.sql.run('insert into platform.thing values ($1)', [name])
      } catch (error) {
        if (uniqueViolation(error)?.constraint === 'thing_name_unique') throw new Problem(refusals.taken)
        throw error
      }
      return { status: 201, body: { id: newId(), name } }
    },
  }
}

test('the same request again gets the first answer to the byte, marked as a replay', async (t) => {
  const house = await openHouse(t)
  const things = await openThings(house)
  const create = () =>
    createOnce(house.withWork, { actor, key: keyOf('k'), run: (work) => things.insert(work, 'grape') })
  const first = await create()
  assert.equal(first.replayed, false)
  assert.deepEqual(await create(), { ...first, replayed: true })
  assert.equal(await things.count(), 1)
})

test('the same key with another body is refused, and nothing is done', async (t) => {
  const house = await openHouse(t)
  const things = await openThings(house)
  const create = (name: string) =>
    createOnce(house.withWork, { actor, key: keyOf('k', { name }), run: (work) => things.insert(work, name) })
  await create('grape')
  await assert.rejects(create('melon'), refusedAs(idempotencyProblems.keyReused, false))
  assert.equal(await things.count(), 1)
})

test('of twenty at once one does it and all get its answer, though what they make is unique', async (t) => {
  const house = await openHouse(t)
  const things = await openThings(house)
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      createOnce(house.withWork, { actor, key: keyOf('k'), run: (work) => things.insert(work, 'grape') }),
    ),
  )
  assert.equal(new Set(answers.map(({ body }) => body)).size, 1)
  assert.equal(answers.filter(({ replayed }) => !replayed).length, 1)
  assert.equal(await things.count(), 1)
})

test('a 409 is kept under its key, also when its reason has gone', async (t) => {
  const house = await openHouse(t)
  const things = await openThings(house)
  const create = (key: string) =>
    createOnce(house.withWork, { actor, key: keyOf(key), run: (work) => things.insert(work, 'grape') })
  await create('first')
  await assert.rejects(create('second'), refusedAs(refusals.taken, false))
  await house.ownerSql.run('delete from platform.thing')
  await assert.rejects(create('second'), refusedAs(refusals.taken, true))
  assert.equal((await create('third')).replayed, false)
})

test('what fails before a decision is not kept: the same key may try again', async (t) => {
  const house = await openHouse(t)
  const things = await openThings(house)
  const failures: unknown[] = [new Problem(refusals.wrong), new Problem(refusals.unfit), new Error('a bug')]
  const create = () =>
    createOnce(house.withWork, {
      actor,
      key: keyOf('k'),
      async run(work) {
        const made = await things.insert(work, 'grape')
        const failure = failures.shift()
        if (failure) throw failure
        return made
      },
    })
  await assert.rejects(create(), refusedAs(refusals.wrong, false))
  await assert.rejects(create(), refusedAs(refusals.unfit, false))
  await assert.rejects(create(), /a bug/)
  assert.equal(await things.count(), 0)
  assert.equal((await create()).replayed, false)
})
