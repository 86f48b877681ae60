import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { drip } from '#sandbox/providers/index'
import { openApiHouse } from '#test/api-house'
import { until } from '#test/harness'
import { openStandIns, signInThrough } from '#test/social-house'

const isLong = process.env.PODO_TEST_LONG === '1'
const standIns = await openStandIns({ after })
const house = await openApiHouse({ after }, { settings: { ...standIns.settings, providerTimeoutMs: 1_000 } })
const eager = await openApiHouse({ after }, { settings: standIns.settings, outsideOpenMs: 0 })
const typeOf = ({ status, body }: { status: number; body: { type?: string } }) => [status, body.type]
const away = [503, '/problems/identity/provider-away']
let people = 0
const signIn = (api: Pick<typeof house, 'as'>) => {
  people += 1
  return signInThrough(api.as(null), { provider: 'naver', choices: { person: people } })
}

/** What somebody comes back with from the provider. */
async function begin(api: Pick<typeof house, 'as'>) {
  const { body } = await api.as(null).get('/v1/sessions/naver/authorize')
  return { code: 'a code', state: new URL(body.url).searchParams.get('state') }
}

/** Somebody comes back from the provider, which is asked for a token then. */
async function returnFrom(api: Pick<typeof house, 'as'>) {
  return api.as(null).post('/v1/sessions/naver', await begin(api))
}

const silence = () => new Promise<Response>(() => {})
const outages: readonly (readonly [string, () => Promise<Response>])[] = [
  ['answers 503 to all', async () => new Response('', { status: 503 })],
  ['says nothing, or half a minute later', silence],
  ['drips', async () => drip()],
]

for (const [what, how] of outages) {
  test(`a provider that ${what} is asked no more once 40 % of 20 calls failed, and again by itself`, async () => {
    const api = await house.secondApi()
    // Each asks for a token and for a profile.
    for (let at = 0; at < 10; at += 1) assert.equal((await signIn(api)).status, 201)
    standIns.fail(how)
    const before = standIns.countAsked()
    const answers = await Promise.all(Array.from({ length: 8 }, () => returnFrom(api)))
    for (let at = 0; at < 12; at += 1) answers.push(await returnFrom(api))
    for (const answer of answers) {
      assert.deepEqual(typeOf(answer), away)
      assert.match(String(answer.headers['retry-after']), /^[1-5]$/)
    }
    assert.equal(standIns.countAsked() - before, 8)
    const shown = await api.as(null).get('/metrics')
    assert.match(shown.text, /podo_outside_state\{service="naver"\} 2/)
    assert.match(shown.text, /podo_outside_calls_total\{service="naver",result="away"\} 12/)
    standIns.fail(null)
  })
}

test('a provider that is back lets people in again by itself, after one call that tried it', async () => {
  standIns.fail(async () => new Response('', { status: 500 }))
  for (let at = 0; at < 12; at += 1) assert.deepEqual(typeOf(await returnFrom(eager)), away)
  standIns.fail(null)
  await until('people sign in again', async () => (await signIn(eager)).status === 201)
  const shown = await eager.as(null).get('/metrics')
  assert.match(shown.text, /podo_outside_state\{service="naver"\} 0/)
})

test('in a total outage a provider is asked 1.1 times for each who asks at most, though it is tried all the time', async () => {
  standIns.fail(async () => new Response('', { status: 502 }))
  const before = standIns.countAsked()
  const asked = isLong ? 1_000 : 100
  for (let at = 0; at < asked; at += 1)
    assert.deepEqual(typeOf(await eager.as(null).get('/v1/sessions/google/authorize')), away)
  const attempts = standIns.countAsked() - before
  assert.ok(attempts > asked && attempts <= 1.1 * asked, `${attempts} attempts for ${asked}`)
  standIns.fail(null)
})

test('whoever waits for a provider keeps nobody else waiting, and more than it has room for are refused at once', async () => {
  const patient = await house.secondApi({ providerTimeoutMs: 60_000 })
  const wallet = await house.wallet('payer', 1_000)
  const [held, answered] = [[] as ((answer: Response) => void)[], [] as unknown[][]]
  const returned = await Promise.all(Array.from({ length: 260 }, () => begin(patient)))
  standIns.fail(() => new Promise((resolve) => held.push(resolve)))
  const signingIn = returned.map(async (back) => {
    const answer = await patient.as(null).post('/v1/sessions/naver', back)
    answered.push(typeOf(answer))
  })
  // Fifty are asked for, two hundred wait.
  await until('ten were refused', () => answered.length === 10)
  for (let at = 0; at < 50; at += 1) assert.equal((await house.get(`/v1/wallets/${wallet}`)).status, 200)
  assert.deepEqual([held.length, answered], [50, Array(10).fill(away)])
  standIns.fail(async () => new Response('', { status: 503 }))
  for (const end of held) end(new Response('', { status: 503 }))
  await Promise.all(signingIn)
  standIns.fail(null)
})

const p99 = (sorted: readonly number[]) => sorted[Math.floor(sorted.length * 0.99)]!

test('a provider that is away slows others down by a fifth at most', {
  skip: !isLong && 'only in the long run',
}, async (t) => {
  const wallet = await house.wallet('reader', 1_000)
  /** How long reads take while every tenth time somebody comes back from the provider. */
  const measure = async () => {
    const api = await house.secondApi({ providerTimeoutMs: 30_000 })
    const signingIn: Promise<unknown>[] = []
    const tookMs: number[] = []
    for (let at = 0; at < 5_000; at += 1) {
      if (at % 10 === 0) signingIn.push(returnFrom(api))
      const since = performance.now()
      await api.get(`/v1/wallets/${wallet}`)
      tookMs.push(performance.now() - since)
    }
    await Promise.all(signingIn)
    return p99(tookMs.toSorted((a, b) => a - b))
  }
  const well = await measure()
  standIns.fail(async () => new Response('', { status: 503 }))
  const down = await measure()
  t.diagnostic(`p99 of reads: ${well.toFixed(1)} ms, and ${down.toFixed(1)} ms while the provider is down`)
  standIns.fail(null)
  assert.ok(down <= 1.2 * well)
})
