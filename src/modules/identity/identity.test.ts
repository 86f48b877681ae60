import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAccounts } from '#modules/ledger'
import { newId } from '#platform/ids'
import { Problem } from '#platform/problem'
import { system } from '#platform/work'
import { openHouse } from '#test/harness'
import { createMembers, findMembers, identityProblems } from './index.ts'

const nobodys = { companyId: null, externalId: null, email: null, nickname: 'Grape' }

test('a member is made with a wallet of zero, dated by the programme’s clock, and found again', async (t) => {
  const house = await openHouse(t)
  await house.advance(86_400)
  const [member] = await house.withWork(system, (work) => createMembers(work, [nobodys]))
  assert.ok(member)
  assert.ok(member.createdAt.getTime() > Date.now() + 86_000_000)
  assert.deepEqual(await findMembers(house.database, [member.id, newId()]), [member])
  const [wallet] = await findAccounts(house.database, [member.walletId])
  assert.deepEqual([wallet?.ownerId, wallet?.bonus, wallet?.prize, wallet?.paid], [member.id, 0, 0, 0])
})

test('an external id is taken within its company only, and who is refused leaves no wallet', async (t) => {
  const house = await openHouse(t)
  const create = (companyId: string | null, externalId: string | null) =>
    house.withWork(system, (work) => createMembers(work, [{ ...nobodys, companyId, externalId }]))
  const companyId = newId()
  await create(companyId, 'customer-1')
  await create(newId(), 'customer-1')
  await create(companyId, null)
  await create(null, null)
  const taken = (error: unknown) => error instanceof Problem && error.kind === identityProblems.externalIdTaken
  await assert.rejects(create(companyId, 'customer-1'), taken)
  const [wallets] = await house.ownerSql.rows<{ n: number }>(
    "select count(*) as n from ledger.account where kind = 'wallet'",
  )
  assert.equal(wallets!.n, 4)
})

test('the service may neither delete a member nor empty the table', async (t) => {
  const house = await openHouse(t)
  for (const statement of [
    'delete from identity.member',
    'truncate identity.member',
    'delete from companies.company',
  ]) {
    await assert.rejects(house.database.sql.run(statement), { code: '42501' }, statement)
  }
})
