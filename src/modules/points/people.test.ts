import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Caller, openApiHouse, type Person } from '#test/api-house'

const house = await openApiHouse({ after })
const [company, other] = [await house.company(), await house.company()]
const role = (companyId: string, { id }: Person, name: string) =>
  house.put(`/v1/companies/${companyId}/members/${id}/role`, { role: name })
const serving = async (companyId: string, name: string) => {
  const person = await house.person()
  assert.equal((await role(companyId, person, name)).status, 200)
  return person
}
const payer = await house.person()
const admin = await house.person()
await house.put(`/v1/members/${admin.id}/role`, { role: 'ADMIN' })

const people: Readonly<Record<string, Caller>> = {
  payer,
  another: await house.person(),
  owner: await serving(company.id, 'OWNER'),
  staff: await serving(company.id, 'STAFF'),
  member: await serving(company.id, 'MEMBER'),
  'owner elsewhere': await serving(other.id, 'OWNER'),
  admin,
  nobody: house.as(null),
}
const wallets = {
  'a person’s wallet': payer.walletId,
  'the wallet of a member whom the company made': (await house.member(company.id)).walletId,
  'the company’s wallet': company.walletId,
}
for (const walletId of Object.values(wallets)) await house.charge(walletId, 1_000_000)
const friends = { person: (await house.person()).walletId, member: (await house.member(company.id)).walletId }

/** Everything that can be asked of a wallet: each time of something made for it by the operator. */
const ways = {
  charge: async (by: Caller, wallet: string) =>
    by.post(`/v1/wallets/${wallet}/charges`, { amount: 1, class: 'bonus', reason: 'A gift' }),
  spend: async (by: Caller, wallet: string) =>
    by.post(`/v1/wallets/${wallet}/spends`, { amount: 1, merchantId: company.id }),
  hold: async (by: Caller, wallet: string) =>
    by.post(`/v1/wallets/${wallet}/holds`, { amount: 1, merchantId: company.id }),
  move: async (by: Caller, wallet: string) =>
    by.post(`/v1/wallets/${wallet}/moves`, { amount: 1, toWalletId: friendOf(wallet) }),
  post: async (by: Caller, wallet: string) => by.post(`/v1/holds/${await held(wallet)}/post`),
  void: async (by: Caller, wallet: string) => by.post(`/v1/holds/${await held(wallet)}/void`),
  refund: async (by: Caller, wallet: string) => by.post(`/v1/transfers/${await spent(wallet)}/refunds`),
  cancel: async (by: Caller, wallet: string) => by.post(`/v1/transfers/${await charged(wallet)}/cancellation`),
  read: async (by: Caller, wallet: string) => by.get(`/v1/wallets/${wallet}`),
  lots: async (by: Caller, wallet: string) => by.get(`/v1/wallets/${wallet}/lots`),
  statement: async (by: Caller, wallet: string) => by.get(`/v1/wallets/${wallet}/transfers`),
  'a transfer': async (by: Caller, wallet: string) => by.get(`/v1/transfers/${await spent(wallet)}`),
  'a hold': async (by: Caller, wallet: string) => by.get(`/v1/holds/${await held(wallet)}`),
}
const friendOf = (wallet: string) => (wallet === payer.walletId ? friends.person : friends.member)
const held = async (wallet: string): Promise<string> => (await ways.hold(house, wallet)).body.id
const spent = async (wallet: string): Promise<string> => (await ways.spend(house, wallet)).body.id
const charged = async (wallet: string): Promise<string> => (await ways.charge(house, wallet)).body.id

const [no, unknown] = [403, 404]
// charge, spend, hold, move, post, void, refund, cancel; and read: wallet, lots, statement, transfer, hold
const stranger = [no, unknown, unknown, unknown, unknown, unknown, unknown, no, ...Array<number>(5).fill(unknown)]
const everything = Array<number>(5).fill(200)
const administrator = [201, no, no, no, no, no, 201, 201, ...everything]
const anonymous = Array<number>(13).fill(401)
const bystanders = {
  another: stranger,
  member: stranger,
  'owner elsewhere': stranger,
  admin: administrator,
  nobody: anonymous,
}
const merchantSide = [no, unknown, unknown, unknown, 200, 200, 201, no, unknown, unknown, unknown, 200, 200]
const home = [no, no, no, no, 200, 200, 201, no, ...everything]
const own = [no, 201, 201, 201, 200, 200, 201, no, ...everything]

const expected: Record<keyof typeof wallets, Record<string, readonly number[]>> = {
  'a person’s wallet': {
    ...bystanders,
    payer: [no, 201, 201, 201, no, no, no, no, ...everything],
    owner: merchantSide,
    staff: merchantSide,
  },
  'the wallet of a member whom the company made': { ...bystanders, payer: stranger, owner: home, staff: home },
  'the company’s wallet': { ...bystanders, payer: stranger, owner: own, staff: own },
}

for (const [name, walletId] of Object.entries(wallets)) {
  test(`who may do what with ${name}, and who sees it`, async () => {
    const wrong: string[] = []
    for (const [who, caller] of Object.entries(people)) {
      for (const [place, [way, ask]] of Object.entries(ways).entries()) {
        const { status } = await ask(caller, walletId)
        const right = expected[name as keyof typeof wallets][who]![place]
        if (status !== right) wrong.push(`${who}, ${way}: ${status} instead of ${right}`)
      }
    }
    assert.deepEqual(wrong, [])
  })
}

test('whoever made a hold voids it, though the points are the own', async () => {
  const { body: hold } = await ways.hold(payer, payer.walletId)
  assert.equal((await payer.post(`/v1/holds/${hold.id}/void`)).status, 200)
})

test('who made a hold for a company voids it while they serve there, and knows nothing of it after', async () => {
  const atOther = { amount: 1, merchantId: other.id }
  const person = await serving(company.id, 'STAFF')
  const hold = async () => (await person.post(`/v1/wallets/${company.walletId}/holds`, atOther)).body.id
  const [first, second] = [await hold(), await hold()]
  assert.equal((await person.post(`/v1/holds/${first}/void`)).status, 200)
  await role(company.id, person, 'MEMBER')
  for (const ask of [person.post(`/v1/holds/${second}/void`), person.get(`/v1/holds/${second}`)])
    assert.equal((await ask).status, 404)
  await role(company.id, person, 'OWNER')
  assert.equal((await person.post(`/v1/holds/${second}/void`)).status, 200)
})

test('who pays and serves the merchant posts a hold on their own points, and gives nothing back to themselves', async () => {
  const staff = await serving(company.id, 'STAFF')
  await house.charge(staff.walletId, 100)
  const [posted, kept] = [await held(staff.walletId), await held(staff.walletId)]
  assert.equal((await staff.post(`/v1/holds/${posted}/post`)).status, 200)
  const { status, body } = await staff.post(`/v1/holds/${kept}/void`)
  assert.deepEqual([status, body.type], [403, '/problems/http/forbidden'])
})

test('an item of a batch that a person may not book is refused as its single call is, whatever else it lacks', async () => {
  const item = { kind: 'charge', walletId: payer.walletId, amount: 5, class: 'bonus' }
  const single = await payer.post(`/v1/wallets/${payer.walletId}/charges`, { amount: 5, class: 'bonus' })
  const { results } = (await payer.post('/v1/transfers/batch', { transfers: [item] })).body
  assert.deepEqual([single.status, results[0].status], [403, 403])
})

test('who manages a company voids what its staff set aside of its points', async () => {
  const [staff, owner] = [await serving(company.id, 'STAFF'), await serving(company.id, 'OWNER')]
  const hold = await staff.post(`/v1/wallets/${company.walletId}/holds`, { amount: 1, merchantId: other.id })
  assert.equal((await owner.post(`/v1/holds/${hold.body.id}/void`)).status, 200)
})

test('nobody refunds what they paid themselves, neither as staff of the merchant nor as an administrator', async () => {
  const staff = await serving(company.id, 'STAFF')
  for (const person of [staff, admin]) {
    await house.charge(person.walletId, 100)
    const { body } = await ways.spend(person, person.walletId)
    const { status, body: problem } = await person.post(`/v1/transfers/${body.id}/refunds`)
    assert.deepEqual([status, problem.type], [403, '/problems/http/forbidden'])
  }
})

test('from the merchant’s side neither the balance nor the lots of a payer are seen', async () => {
  const { body } = await people.staff!.get(`/v1/transfers/${await spent(payer.walletId)}`)
  assert.deepEqual([body.amount, body.balanceAfter, body.lots], [1, null, []])
})

test('one’s own wallet is there without its id, and is the same', async () => {
  const mine = await payer.get('/v1/me/wallet')
  assert.deepEqual([mine.status, mine.body], [200, (await payer.get(`/v1/wallets/${payer.walletId}`)).body])
  assert.equal(mine.body.id, payer.walletId)
  assert.equal((await house.get('/v1/me/wallet')).status, 403)
})

test('who was taken out of a company is named as a spender of its wallet no longer, in no process', async () => {
  const second = await house.secondApi()
  const person = await serving(company.id, 'MEMBER')
  const spendAs = () =>
    Promise.all(
      [house, second].map((api) =>
        api.spend(company.walletId, 1, { memberId: person.id }).then(({ status }) => status),
      ),
    )
  assert.deepEqual(await spendAs(), [201, 201])
  assert.equal((await house.delete(`/v1/companies/${company.id}/members/${person.id}`)).status, 204)
  assert.deepEqual(await spendAs(), [400, 400])
})

test('who was staff spends from the company’s wallet until the role is gone, and not once after it', async () => {
  const person = await serving(company.id, 'STAFF')
  assert.equal((await ways.spend(person, company.walletId)).status, 201)
  await role(company.id, person, 'MEMBER')
  assert.equal((await ways.spend(person, company.walletId)).status, 404)
})
