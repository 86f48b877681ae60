import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, test } from 'node:test'
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose'
import { openApiHouse } from '#test/api-house'

const house = await openApiHouse({ after })
const person = await house.person()
const statusOf = async (token: string) => (await house.as(token).get('/v1/me')).status
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const [header, payload] = [decodeProtectedHeader(person.accessToken), decodeJwt(person.accessToken)]
const keySet = async () => (await house.as(null).get('/.well-known/jwks.json')).body

test('anybody checks an access token with the published keys, of which no private half is shown', async () => {
  const { keys } = await keySet()
  assert.deepEqual([header.alg, header.typ], ['EdDSA', 'at+jwt'])
  assert.deepEqual(Object.keys(keys[0]).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  const { payload: checked } = await jwtVerify(person.accessToken, createLocalJWKSet({ keys }), { audience: 'podo' })
  assert.deepEqual([checked.sub, checked.exp! - checked.iat!], [person.id, 900])
})

test('no token is let in that is unsigned, or signed by somebody else in whatever way', async () => {
  const own = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwk = await exportJWK(own.publicKey)
  const { keys } = await keySet()
  const sign = (more: object) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...more }).sign(own.privateKey)
  const hmac = (secret: string | Buffer) => {
    const text = `${encode({ ...header, alg: 'HS256' })}.${encode(payload)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const [head, body, signature] = person.accessToken.split('.') as [string, string, string]
  const forged = [
    `${encode({ ...header, alg: 'none' })}.${body}.`,
    `${encode({ ...header, alg: 'None' })}.${body}.${signature}`,
    hmac(JSON.stringify(keys[0])),
    hmac(Buffer.from(keys[0].x, 'base64url')),
    await sign({ kid: header.kid }),
    await sign({}),
    await sign({ kid: '../../etc/passwd' }),
    await sign({ kid: "' or 1=1 --" }),
    await sign({ kid: header.kid, jwk }),
    await sign({ kid: header.kid, jku: 'http://127.0.0.1:9/keys' }),
    await sign({ kid: header.kid, crit: ['exp'] }).catch(() => 'not made'),
    `${head}.${encode({ ...payload, sub: 'mem_019e5f3a7c107b3e9d425a6b7c8d9e0f' })}.${signature}`,
    `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    `${head}.${body}`,
    `${person.accessToken}.x`,
    '...',
  ]
  for (const token of forged) assert.equal(await statusOf(token), 401, token)
  assert.equal(await statusOf(person.accessToken), 200)
})

test('no token of ours is let in that was made for something else, or of another service', async () => {
  const elsewhere = await openApiHouse({ after })
  const foreign = await elsewhere.person()
  assert.equal(await statusOf(foreign.accessToken), 401)
  assert.equal(await statusOf(person.refreshToken), 401)
  const other = await house.secondApi({ publicUrl: 'https://other.example.com' })
  assert.equal((await other.as(person.accessToken).get('/v1/me')).status, 401)
})

test('keys change every month: the new one is shown before it signs, the old one as long as its tokens let in', async () => {
  const later = await openApiHouse({ after })
  const kids = async () =>
    (await later.as(null).get('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid)
  const advance = (advanceSeconds: number) => later.post('/v1/sandbox/clock', { advanceSeconds })
  const first = decodeProtectedHeader((await later.person()).accessToken).kid
  await advance(31 * 86_400)
  // Another process, which has not read the keys yet.
  const second = await later.secondApi()
  const tokenOf = async (email: string) =>
    (
      await second
        .as(null)
        .post('/v1/accounts', { email, password: '보라색 포도 다섯 송이', nickname: email.slice(0, 8) })
    ).body.accessToken
  const stillOld = await tokenOf('month1@example.com')
  assert.equal(decodeProtectedHeader(stillOld).kid, first)
  const third = await later.secondApi()
  const shown = (await third.as(null).get('/.well-known/jwks.json')).body.keys.map(({ kid }: { kid: string }) => kid)
  assert.equal(shown.length, 2)
  await advance(601)
  const fourth = await later.secondApi()
  const { body } = await fourth
    .as(null)
    .post('/v1/accounts', { email: 'month2@example.com', password: '보라색 포도 다섯 송이', nickname: 'month2' })
  assert.equal(decodeProtectedHeader(body.accessToken).kid, shown[0])
  // The process that knows the old keys only lets in what the new one signed.
  assert.equal((await later.as(body.accessToken).get('/v1/me')).status, 200)
  assert.ok((await kids()).includes(first))
})

test('a service whose secret has changed signs on with the same key; without the former secret it makes a new one, and the old tokens are still let in', async () => {
  const [former, present] = [Buffer.alloc(32, 7).toString('base64'), Buffer.alloc(32, 8).toString('base64')]
  const own = await openApiHouse({ after }, { settings: { secretKey: former } })
  const { email, password, accessToken } = await own.person()
  const kidOf = (token: string) => decodeProtectedHeader(token).kid
  const kept = await own.secondApi({ secretKey: present, secretKeyFormer: former })
  const { body: on } = await kept.as(null).post('/v1/sessions', { email, password })
  assert.equal(kidOf(on.accessToken), kidOf(accessToken))
  const changed = await own.secondApi({ secretKey: present })
  const { body } = await changed.as(null).post('/v1/sessions', { email, password })
  assert.notEqual(kidOf(body.accessToken), kidOf(accessToken))
  assert.equal((await changed.as(accessToken).get('/v1/me')).status, 200)
  assert.equal((await own.as(body.accessToken).get('/v1/me')).status, 200)
})
