import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApiHouse } from '#test/api-house'
import { actionExamples, readingExamples } from './examples.ts'

test('everything in JSON in the API document has an example that fits the schema it stands beside', async (t) => {
  const house = await openApiHouse(t)
  const document = (await house.get('/openapi.json')).body
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  let found = 0
  const visit = (value: unknown, place: string): void => {
    if (typeof value !== 'object' || value === null) return
    if (place.endsWith('/content/application/json') && 'schema' in value) {
      assert.ok('example' in value, `${place} has no example`)
      found += 1
      assert.ok(ajv.validate(value.schema as object, value.example), `${place}: ${ajv.errorsText()}`)
    }
    for (const [name, inner] of Object.entries(value)) visit(inner, `${place}/${name}`)
  }
  visit(document.paths, '')
  assert.ok(found > 0)
})

test('examples of answers have the very fields that an answer has', async (t) => {
  const house = await openApiHouse(t)
  const [wallet, friend] = [await house.wallet('payer', 10_000), await house.wallet('friend')]
  const spent = await house.spend(wallet, 3_000)
  const held = await house.post(`/v1/wallets/${wallet}/holds`, actionExamples.hold.body)
  const walletPaths = `/v1/wallets/${wallet}`
  const pairs: [object, object][] = [
    [actionExamples.spend.answer, spent.body],
    [actionExamples.refund.answer, (await house.refund(spent.body.id, { amount: 500 })).body],
    [actionExamples.hold.answer, held.body],
    [actionExamples.post.answer, (await house.post(`/v1/holds/${held.body.id}/post`)).body],
    [actionExamples.move.answer, (await house.post(`${walletPaths}/moves`, { toWalletId: friend, amount: 500 })).body],
    [readingExamples.wallet.answer, (await house.get(walletPaths)).body],
    [readingExamples.lots.answer.items[0]!, (await house.get(`${walletPaths}/lots`)).body.items[0]],
    [readingExamples.statement.answer.items[0]!, (await house.get(`${walletPaths}/transfers`)).body.items[0]],
  ]
  for (const [shown, real] of pairs) assert.deepEqual(Object.keys(shown).sort(), Object.keys(real).sort())
})
