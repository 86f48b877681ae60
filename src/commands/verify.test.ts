import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { toPublicId } from '#platform/ids'
import { type LedgerHouse, openLedgerHouse } from '#test/ledger-house'

const main = join(import.meta.dirname, '../main.ts')

function podoVerify(house: LedgerHouse, flags: string[] = [], settings: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, DATABASE_URL: house.serviceUrl, DATABASE_OWNER_URL: house.ownerUrl, LANG: 'C' }
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, [main, 'verify', ...flags], { env: { ...env, ...settings } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

test('podo verify ends with 0 on a sound ledger, and names each difference and ends with 1 on another', async (t) => {
  const house = await openLedgerHouse(t)
  const walletId = await house.wallet(100)
  await house.spend(walletId, await house.merchant(), 30)
  const sound = await podoVerify(house)
  assert.equal(sound.code, 0, sound.output)
  assert.match(sound.output, /^2 transfers and 6 accounts agree with the journal/)
  await house.ownerSql.run('update ledger.account set paid = 71 where id = $1', [walletId])
  const { code, output } = await podoVerify(house)
  assert.equal(code, 1, output)
  assert.match(output, new RegExp(`^account ${toPublicId('wlt', walletId)} paid: expected 70, found 71\n1 difference`))
  const korean = await podoVerify(house, [], { LANG: 'ko_KR.UTF-8' })
  assert.match(korean.output, new RegExp(`^계정 ${toPublicId('wlt', walletId)} paid: 원장 70, 실제 71\n`))
})

test('podo verify --repair mends projections, after which nothing differs', async (t) => {
  const house = await openLedgerHouse(t)
  const walletId = await house.wallet(100)
  await house.ownerSql.run('update ledger.lot set remaining = 1 where account_id = $1', [walletId])
  const repaired = await podoVerify(house, ['--repair'])
  assert.equal(repaired.code, 1, repaired.output)
  assert.match(repaired.output, /\n1 mended, and written down in ledger.repair.\n1 transfers and \d+ accounts agree/)
  assert.equal((await podoVerify(house)).code, 0)
})

test('podo verify --repair ends with 2 where the journal contradicts itself', async (t) => {
  const house = await openLedgerHouse(t)
  const walletId = await house.wallet(100)
  await house.ownerSql.run('update ledger.transfer set payee_seq = 7 where payee_id = $1', [walletId])
  const looked = await podoVerify(house)
  assert.equal(looked.code, 1, looked.output)
  assert.match(looked.output, /seq: expected 1, found 7/)
  assert.match(looked.output, /compare with a backup/)
  assert.doesNotMatch(looked.output, /run this with --repair/)
  const { code, output } = await podoVerify(house, ['--repair'])
  assert.equal(code, 2, output)
})

test('podo verify --repair writes down a wrong balance in the journal, and it is not listed again', async (t) => {
  const house = await openLedgerHouse(t)
  const walletId = await house.wallet(100)
  await house.ownerSql.run('update ledger.transfer set payee_balance = 99 where payee_id = $1', [walletId])
  const repaired = await podoVerify(house, ['--repair'])
  assert.equal(repaired.code, 1, repaired.output)
  assert.match(repaired.output, /balanceAfter: expected 100, found 99/)
  assert.match(repaired.output, /\n1 transfer says a wrong balance/)
  assert.equal((await podoVerify(house)).code, 0)
})

test('podo verify --repair without the owner’s address says so, and changes nothing', async (t) => {
  const house = await openLedgerHouse(t)
  const walletId = await house.wallet(100)
  await house.ownerSql.run('update ledger.lot set remaining = 1 where account_id = $1', [walletId])
  const { code, output } = await podoVerify(house, ['--repair'], { DATABASE_OWNER_URL: house.serviceUrl })
  assert.equal(code, 1)
  assert.match(output, /DATABASE_OWNER_URL/)
  const rows = await house.ownerSql.rows('select remaining from ledger.lot where account_id = $1', [walletId])
  assert.deepEqual(rows, [{ remaining: 1 }])
})
