import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { type Choices, clientOf, consent, openStandIns } from '#test/social-house'
import type { ProviderName } from './index.ts'

const { url } = await openStandIns({ after })
const authorizePaths = { kakao: '/oauth/authorize', naver: '/oauth2.0/authorize', google: '/o/oauth2/v2/auth' }
const tokenPaths = { kakao: '/oauth/token', naver: '/oauth2.0/token', google: '/token' }
const profilePaths = { kakao: '/v2/user/me', naver: '/v1/nid/me', google: '/v1/userinfo' }
const names = ['kakao', 'naver', 'google'] as const
const baseOf = (name: ProviderName) => `${url}/sandbox/oauth/${name}`
const verifier = 'v'.repeat(43)

function authorizeUrl(name: ProviderName, more: Record<string, string> = {}): string {
  const { id: client_id, redirectUri: redirect_uri } = clientOf(name)
  const asked = {
    client_id,
    redirect_uri,
    response_type: 'code',
    scope: 'openid email',
    state: 's',
    nonce: 'n',
    ...more,
  }
  return `${baseOf(name)}${authorizePaths[name]}?${new URLSearchParams(asked)}`
}

async function askToken(name: ProviderName, more: Record<string, string>) {
  const { id: client_id, secret: client_secret, redirectUri: redirect_uri } = clientOf(name)
  const grant_type = 'authorization_code'
  const body = new URLSearchParams({ grant_type, client_id, client_secret, redirect_uri, state: 's', ...more })
  const answer = await fetch(baseOf(name) + tokenPaths[name], { method: 'POST', body })
  const given: ReturnType<JSON['parse']> = await answer.json()
  return { status: answer.status, body: given }
}

const codeOf = async (name: ProviderName, by: { more?: Record<string, string>; choices?: Choices } = {}) =>
  (await consent(authorizeUrl(name, by.more), by.choices)).code!

async function askProfile(name: ProviderName, authorization?: string) {
  const answer = await fetch(baseOf(name) + profilePaths[name], authorization ? { headers: { authorization } } : {})
  const body: ReturnType<JSON['parse']> = await answer.json()
  return { status: answer.status, body }
}

test('a person sees who asks, in Korean or in English, and nothing that is not escaped', async () => {
  for (const name of names) {
    const ask = (language: string) =>
      fetch(authorizeUrl(name, { nonce: '"><script>' }), { headers: { 'accept-language': language } })
    const [korean, english] = [await (await ask('ko')).text(), await (await ask('en-US')).text()]
    assert.match(korean, /동의하고 계속하기/)
    assert.match(english, /Agree and go on/)
    assert.doesNotMatch(korean, /<script/)
  }
})

test('nobody is sent to an address that is not registered, nor for a client that is not', async () => {
  for (const name of names) {
    const wrong: Record<string, string>[] = [
      { redirect_uri: 'https://evil.example.com/' },
      { redirect_uri: `${clientOf(name).redirectUri}/` },
      { client_id: 'another' },
      { response_type: 'token' },
      { code_challenge: 'x', code_challenge_method: 'plain' },
      ...(name === 'naver' ? [{ state: '' }] : []),
    ]
    for (const more of wrong) {
      const answer = await fetch(authorizeUrl(name, more), { redirect: 'manual' })
      assert.deepEqual([answer.status, answer.headers.get('location')], [400, null], JSON.stringify(more))
    }
  }
})

test('a token is given once for a code, to its client, with its address and its verifier', async () => {
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const pkce = { code_challenge, code_challenge_method: 'S256' }
  for (const name of names) {
    const refusal = { kakao: 'invalid_grant', naver: 'invalid_request', google: 'invalid_grant' }[name]
    const refused = async (code: string, more: Record<string, string> = {}) =>
      assert.equal((await askToken(name, { code, ...more })).body.error, refusal, JSON.stringify([name, more]))
    await refused('nonsense')
    await refused(await codeOf(name, { choices: { fault: 'expired-code' } }))
    await refused(await codeOf(name, { choices: { fault: 'used-code' } }))
    if (name === 'naver') await refused(await codeOf(name), { state: 'another' })
    else {
      await refused(await codeOf(name), { redirect_uri: 'https://evil.example.com/' })
      await refused(await codeOf(name, { more: pkce }))
      await refused(await codeOf(name, { more: pkce }), { code_verifier: 'w'.repeat(43) })
      await refused(await codeOf(name), { code_verifier: verifier })
      const code = await codeOf(name, { more: pkce })
      assert.equal((await askToken(name, { code, code_verifier: verifier })).status, 200)
    }
    const code = await codeOf(name)
    const { error } = (await askToken(name, { code, client_secret: 'wrong' })).body
    assert.equal(error, name === 'naver' ? 'unauthorized_client' : 'invalid_client')
    assert.equal(typeof (await askToken(name, { code })).body.access_token, 'string')
    await refused(code)
  }
})

test('errors come as each provider has them', async () => {
  const kakao = await askToken('kakao', { code: 'x' })
  assert.deepEqual([kakao.status, kakao.body.error_code], [400, 'KOE320'])
  const stranger = await askToken('kakao', { code: 'x', client_secret: 'x' })
  assert.deepEqual([stranger.status, stranger.body.error_code], [401, 'KOE010'])
  assert.equal((await askToken('naver', { code: 'x' })).status, 200)
  assert.equal((await askToken('google', { code: 'x' })).status, 400)
  assert.deepEqual((await askProfile('kakao', 'Bearer x')).body.code, -401)
  assert.deepEqual((await askProfile('naver', 'Bearer x')).body.resultcode, '024')
  assert.deepEqual((await askProfile('naver')).body.resultcode, '028')
})

test('tokens and profiles have the shapes that are published', async () => {
  const given = new Map<ProviderName, ReturnType<JSON['parse']>>()
  for (const name of names) given.set(name, (await askToken(name, { code: await codeOf(name) })).body)
  assert.equal(given.get('naver').expires_in, '3600')
  assert.equal(given.get('kakao').expires_in, 21_599)
  const kakao = (await askProfile('kakao', `Bearer ${given.get('kakao').access_token}`)).body
  assert.deepEqual([typeof kakao.id, kakao.kakao_account.is_email_verified], ['number', true])
  const naver = (await askProfile('naver', `Bearer ${given.get('naver').access_token}`)).body
  assert.deepEqual([naver.resultcode, naver.response.email], ['00', 'podo.kim@example.com'])
  for (const name of ['kakao', 'google'] as const) {
    const metadata: ReturnType<JSON['parse']> = await (
      await fetch(`${baseOf(name)}/.well-known/openid-configuration`)
    ).json()
    assert.equal(metadata.issuer, baseOf(name))
    const keys: ReturnType<JSON['parse']> = await (await fetch(metadata.jwks_uri)).json()
    const options = { issuer: metadata.issuer, audience: clientOf(name).id, algorithms: ['RS256'] }
    const { payload } = await jwtVerify(given.get(name).id_token, createLocalJWKSet(keys), options)
    assert.deepEqual([payload.nonce, payload.email], ['n', 'podo.kim@example.com'])
  }
})

test('an address that is not shared is nowhere', async () => {
  for (const name of names) {
    const code = await codeOf(name, { choices: { isEmailShared: false } })
    const { body } = await askToken(name, { code })
    const profile = await askProfile(name, `Bearer ${body.access_token}`)
    const claims = body.id_token ? Buffer.from(body.id_token.split('.')[1], 'base64url').toString() : ''
    assert.doesNotMatch(JSON.stringify(profile.body) + claims, /@example\.com/)
  }
})
