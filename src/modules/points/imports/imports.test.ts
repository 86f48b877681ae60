import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createCompany, createCompanyMember } from '#modules/companies'
import { applyImport, checkImport, findImport, type ImportCheck, type OpeningFile } from '#modules/points'
import { system } from '#platform/work'
import { type LedgerHouse, openLedgerHouse } from '#test/ledger-house'

const header = 'memberExternalId,class,amount,issuedAt,expiresAt,reason\n'

interface ImportHouse extends LedgerHouse {
  readonly companyId: string
  member(externalId: string): Promise<string>
  file(content: string): Promise<string>
  check(file: string, more?: Partial<OpeningFile>): Promise<ImportCheck & { mistakes: string[] }>
  apply(file: string, more?: Partial<OpeningFile> & { name?: string; check?: ImportCheck }): Promise<Applied>
  lots(): Promise<{ externalId: string; class: string; amount: number; issuedAt: Date; expiresAt: Date | null }[]>
}

type Applied = Awaited<ReturnType<typeof applyImport>> & { refusals: string[] }

async function openImportHouse(t: TestContext): Promise<ImportHouse> {
  const house = await openLedgerHouse(t)
  const folder = await mkdtemp(join(tmpdir(), 'podo-import-'))
  t.after(() => rm(folder, { recursive: true }))
  const { id: companyId } = await house.withWork(system, (work) =>
    createCompany(work, { name: 'Grape', registrationNumber: '1234567891', feeRate: 0 }),
  )
  const importing = { reads: house.database, withWork: house.withWork, lane: house.lane }
  const opening = (path: string, more: Partial<OpeningFile> = {}): OpeningFile => {
    return { path, companyId, createMembers: false, timeZone: 'Asia/Seoul', ...more }
  }
  const check: ImportHouse['check'] = async (path, more) => {
    const mistakes: string[] = []
    const onMistake = ({ line, text }: { line: number; text: { en: string } }) => mistakes.push(`${line}: ${text.en}`)
    return {
      ...(await checkImport(importing, { ...opening(path, more), onMistake: (it) => void onMistake(it) })),
      mistakes,
    }
  }
  return {
    ...house,
    companyId,
    check,
    async member(externalId) {
      const input = { companyId, email: null, externalId, nickname: externalId }
      return (await house.withWork(system, (work) => createCompanyMember(work, input))).walletId
    },
    async file(content) {
      const path = join(folder, `${Math.random()}.csv`)
      await writeFile(path, content)
      return path
    },
    async apply(path, { name = 'opening', check: checked, ...more } = {}) {
      const refusals: string[] = []
      const input = { ...opening(path, more), name, check: checked ?? (await check(path, more)) }
      const onRefusal = ({ line, text }: { line: number; text: { en: string } }) => {
        refusals.push(`${line}: ${text.en}`)
      }
      return { ...(await applyImport(importing, { ...input, onRefusal })), refusals }
    },
    lots: () =>
      house.ownerSql.rows(
        `select m.external_id as "externalId", l.class, l.amount, l.issued_at as "issuedAt", l.expires_at as "expiresAt"
         from ledger.lot l join identity.member m on m.wallet_id = l.account_id order by l.id`,
      ),
  }
}

test('each line becomes a lot of its own that keeps its class, its age and its expiry', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  await house.member('m-2')
  const line = 'm-1,paid,500,2024-05-01T00:00:00Z,,moved\n'
  const file = await house.file(`${header}${line}${line}m-2,bonus,70,2025-01-01,2099-12-31,\n`)
  const result = await house.apply(file)
  assert.deepEqual(result, { status: 'applied', written: 3, replayed: 0, refused: 0, refusals: [] })
  const twin = { externalId: 'm-1', class: 'paid', amount: 500, issuedAt: new Date('2024-05-01'), expiresAt: null }
  assert.deepEqual(await house.lots(), [
    twin,
    twin,
    {
      externalId: 'm-2',
      class: 'bonus',
      amount: 70,
      issuedAt: new Date('2024-12-31T15:00:00Z'),
      expiresAt: new Date('2099-12-31T15:00:00Z'),
    },
  ])
  await house.assertAgreement()
})

test('a check tells every bad line with its number and sums up the rest, and writes nothing', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  const file = await house.file(
    `${header}m-1,paid,10,2025-01-01,,\nnobody,paid,10,2025-01-01,,\n\nm-1,gift,0,2025-01-01,,\nm-1,bonus,5,2025-01-01,,\n`,
  )
  const check = await house.check(file)
  assert.deepEqual(check.mistakes, [
    '3: memberExternalId: the company has no member of this id.',
    '5: class: must be paid or bonus.',
    '5: amount: must be a whole number from 1 to 9007199254740991, without separators.',
  ])
  assert.deepEqual({ lines: check.lines, bad: check.badLines }, { lines: 4, bad: 2 })
  assert.deepEqual(await house.lots(), [])
})

test('the points of a file stay within what a wallet may hold', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  const file = await house.file(`${header}m-1,paid,9007199254740991,2025-01-01,,\nm-1,paid,1,2025-01-01,,\n`)
  assert.deepEqual((await house.check(file)).mistakes, [
    '3: The points of the file pass 9007199254740991 in all. Divide the file.',
  ])
})

test('a member of another company is as unknown as nobody', async (t) => {
  const house = await openImportHouse(t)
  const { id: other } = await house.withWork(system, (work) =>
    createCompany(work, { name: 'Plum', registrationNumber: '2208162517', feeRate: 0 }),
  )
  const input = { companyId: other, email: null, externalId: 'm-1', nickname: 'm-1' }
  await house.withWork(system, (work) => createCompanyMember(work, input))
  const check = await house.check(await house.file(`${header}m-1,paid,10,2025-01-01,,\n`))
  assert.equal(check.badLines, 1)
})

test('the same lines have one effect, whatever the file is called and however it is written', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  await house.apply(await house.file(`${header}m-1,paid,10,2025-01-01,,"a, b"\nm-1,bonus,20,2025-01-01,,\n`))
  const spelled = await house.file(
    '\ufeffissuedAt,class,amount,reason,memberExternalId\r\n2025-01-01,paid,0010,"a, b",m-1\r\n2025-01-01,bonus,20,,m-1',
  )
  const again = await house.apply(spelled)
  assert.deepEqual(again, { status: 'applied', written: 0, replayed: 2, refused: 0, refusals: [] })
  assert.equal((await house.apply(spelled, { name: 'another' })).status, 'applied')
  assert.equal((await house.lots()).length, 2)
})

test('another file under the same name is refused, and nothing of it is written', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  await house.apply(await house.file(`${header}m-1,paid,10,2025-01-01,,\n`))
  const changed = await house.file(`${header}m-1,paid,11,2025-01-01,,\n`)
  assert.equal((await house.apply(changed)).status, 'otherFile')
  const { companyId } = house
  const { digest } = await house.check(changed)
  const importing = { reads: house.database, withWork: house.withWork, lane: house.lane }
  assert.equal(await findImport(importing, { companyId, name: 'opening', digest }), 'otherFile')
  assert.equal(await findImport(importing, { companyId, name: 'second', digest }), 'none')
  assert.equal((await house.lots()).length, 1)
  assert.equal((await house.apply(changed, { name: 'second' })).status, 'applied')
  assert.equal((await house.lots()).length, 2)
})

test('a file that changes after its check stops the writing', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  const file = await house.file(`${header}m-1,paid,10,2025-01-01,,\n`)
  const check = await house.check(file)
  await appendFile(file, 'm-1,paid,99,2025-01-01,,\n')
  assert.equal((await house.apply(file, { check })).status, 'changed')
  assert.deepEqual(await house.lots(), [])
})

test('what expires between two attempts is left out, and the rest is still written once', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  const file = await house.file(`${header}m-1,paid,10,2025-01-01,,\nm-1,bonus,20,2025-01-01,2098-01-01,\n`)
  const check = await house.check(file)
  await house.advance(90 * 365 * 86_400)
  const late = await house.check(file)
  assert.deepEqual({ bad: late.badLines, expired: late.expiredLines }, { bad: 1, expired: 1 })
  assert.equal(late.digest, check.digest)
  const result = await house.apply(file, { check })
  assert.deepEqual(result, {
    status: 'applied',
    written: 1,
    replayed: 0,
    refused: 1,
    refusals: ['3: The expiry has passed already'],
  })
  assert.equal((await house.apply(file, { check })).status, 'applied')
  assert.equal((await house.lots()).length, 1)
})

test('members who are missing are made once, with the nickname of their first line or their external id', async (t) => {
  const house = await openImportHouse(t)
  await house.member('m-1')
  const lines =
    'm-1,paid,10,2025-01-01,ignored\nm-2,paid,10,2025-01-01,Otter\nm-2,bonus,10,2025-01-01,\nm-3,paid,1,2025-01-01,\n'
  const file = await house.file(`memberExternalId,class,amount,issuedAt,nickname\n${lines}`)
  const [one, other] = await Promise.all([
    house.apply(file, { createMembers: true }),
    house.apply(file, { createMembers: true }),
  ])
  assert.deepEqual([one.status, other.status], ['applied', 'applied'])
  const members = await house.ownerSql.rows(`select external_id as id, nickname from identity.member order by 1`)
  assert.deepEqual(members, [
    { id: 'm-1', nickname: 'm-1' },
    { id: 'm-2', nickname: 'Otter' },
    { id: 'm-3', nickname: 'm-3' },
  ])
  assert.equal((await house.lots()).length, 4)
  await house.assertAgreement()
})
