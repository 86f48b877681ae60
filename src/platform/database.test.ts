import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openHouse } from '#test/harness'
import { findAnswers } from './idempotency.ts'
import { system } from './work.ts'

test('a statement is planned once on a connection, however often it runs', async (t) => {
  const { withWork } = await openHouse(t)
  await withWork(system, async (work) => {
    for (let time = 0; time < 8; time += 1) await findAnswers(work, ['00000000-0000-7000-8000-000000000000'])
    const plans = await work.sql.rows<{ generic: number; custom: number }>(
      `select generic_plans as generic, custom_plans as custom from pg_prepared_statements
       where statement like '%platform.idempotency_key%' and statement not like '%pg_prepared_statements%'`,
    )
    assert.deepEqual(plans, [{ generic: 8, custom: 0 }])
  })
})
