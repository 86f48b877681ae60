import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { type Body, openApiHouse } from '#test/api-house'
import { until } from '#test/harness'

const main = join(import.meta.dirname, '../main.ts')
const folder = mkdtempSync(join(tmpdir(), 'podo-admin-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true, force: true }))
const house = await openApiHouse({ after })
const password = '초록 잎사귀 아래 그늘'

interface Run {
  readonly code: number
  readonly output: string
}

const environment = (more: Record<string, string> = {}) => ({
  PATH: process.env.PATH!,
  LANG: 'C',
  PODO_DATA_DIR: join(folder, 'nothing'),
  DATABASE_URL: house.serviceUrl,
  ...more,
})

function start(
  args: readonly string[],
  more: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Run> } {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: environment(more) })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const ended = once(child, 'close').then(([code]) => {
    child.stdin.destroy()
    return { code: code as number, output }
  })
  return { child, ended }
}

/** Runs the command with so much on its standard input. */
function create(args: readonly string[], input = '', more: Record<string, string> = {}): Promise<Run> {
  const { child, ended } = start(['admin', 'create', ...args], more)
  // Who needs no input may be gone before it is written.
  child.stdin!.on('error', () => {})
  child.stdin!.end(input)
  return ended
}

const signIn = async (email: string, given = password) => {
  const { status, body } = await house.as(null).post('/v1/sessions', { email, password: given })
  return { status, admin: house.as(body.accessToken ?? null) }
}
const acts = async (query: string): Promise<Body[]> => (await house.get(`/v1/ops/audit?${query}`)).body.items

test('an administrator is made while the service runs, signs in at once, and stands in the audit log without a secret', async () => {
  const args = ['--email', 'First@example.com', '--nickname', ' 첫 관리자 ', '--password-stdin']
  const { code, output } = await create(args, `${password}\n`)
  assert.deepEqual(
    [code, output],
    [0, 'The administrator "첫 관리자" was made, and can sign in with the address and the password.\n'],
  )
  const { admin } = await signIn('first@example.com')
  const { body: me } = await admin.get('/v1/me')
  assert.deepEqual([me.role, me.nickname], ['ADMIN', '첫 관리자'])
  assert.equal((await admin.get('/v1/ops/audit')).status, 200)
  const [act, ...more] = await acts(`target=${me.id}`)
  assert.deepEqual(more, [])
  assert.deepEqual(
    [act!.action, act!.actor, act!.after],
    ['createAdmin', { type: 'system', id: null }, { role: 'ADMIN' }],
  )
  assert.equal((await acts('actor=system')).length, 1)
})

test('an account that is there is promoted when that is agreed to, and keeps its password', async () => {
  const person = await house.person()
  const asked = await create(['--email', person.email])
  assert.equal(asked.code, 1)
  assert.match(asked.output, /with --yes/)
  assert.equal((await person.get('/v1/me')).body.role, 'USER')
  const agreed = await create(['--email', person.email.toUpperCase(), '--yes'], '', { LANG: 'ko_KR.UTF-8' })
  assert.deepEqual([agreed.code, /이제 ".*" 님은 관리자입니다/.test(agreed.output)], [0, true])
  assert.equal((await person.get('/v1/me')).body.role, 'ADMIN')
  assert.equal((await signIn(person.email, person.password)).status, 201)
  const again = await create(['--email', person.email])
  assert.deepEqual([again.code, /is an administrator already/.test(again.output)], [0, true])
  assert.deepEqual(
    (await acts(`target=${person.id}`)).map(({ action }) => action),
    ['changeMemberRole'],
  )
})

test('every mistake is a sentence, in English or Korean, and makes nobody', async () => {
  const taken = (await house.person({ nickname: '이미 있음' })).email
  assert.ok(taken)
  const email = ['--email', 'nobody@example.com']
  const nickname = ['--nickname', '누구']
  const input = '--password-stdin'
  const korean = { LANG: 'ko_KR.UTF-8' }
  const runs = [
    [create([]), /^There is no e-mail address\. Give one as --email\.$/],
    [create([], '', korean), /^이메일이 없습니다/],
    [create(['--email', 'nonsense', input], password), /^E-mail: Must be/],
    [create([...email, input], password), /^There is no nickname/],
    [create([...email, '--nickname', 'x', input], password), /^Nickname: Must have 2 to 20/],
    [create([...email, ...nickname]), /^There is no terminal to ask for the password/],
    [create([...email, ...nickname, input]), /^There is no password on the standard input/],
    [create([...email, ...nickname, input], 'short'), /^Password: /],
    [create([...email, ...nickname, input], 'password123\n', korean), /^비밀번호: /],
    [
      create([...email, '--nickname', '이미있음', input], password),
      /^Nickname: Somebody has this one, or one that looks like it\. Choose another\.$/,
    ],
    [create([...email, ...nickname, '--password', password]), /no such option or argument: --password/],
    [create([...email, ...nickname, input], password, { DATABASE_URL: '' }), /There is no database in/],
  ] as const
  for (const [run, says] of runs) {
    const { code, output } = await run
    assert.equal(code, 1, output)
    assert.match(output.split('\n')[0]!, says)
    assert.ok(!output.includes('    at '), output)
  }
  assert.equal((await signIn('nobody@example.com')).status, 401)
})

test('two at once with one address make one administrator', async () => {
  const make = (nickname: string) =>
    create(['--email', 'race@example.com', '--nickname', nickname, '--password-stdin'], password)
  const runs = await Promise.all([make('경주 하나'), make('경주 둘')])
  const codes = runs.map(({ code }) => code).toSorted()
  // Whoever comes late enough finds the account, and an administrator in it.
  assert.ok(codes[0] === 0, JSON.stringify(runs))
  assert.equal((await acts('action=createAdmin&actor=system')).filter(({ after }) => after.role === 'ADMIN').length, 2)
})

const hasScript = spawnSync('script', ['--version']).status === 0

/** The command on a terminal of its own; it is answered when it asks. */
async function converse(t: TestContext, args: string, answers: readonly (readonly [RegExp, string])[]): Promise<Run> {
  const child = spawn('script', ['-qec', `${process.execPath} ${main} admin create ${args}`, '/dev/null'], {
    cwd: folder,
    env: environment(),
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const ended = once(child, 'close')
  let answeredAt = 0
  for (const [question, answer] of answers) {
    await until(`it asks ${question}`, () => question.test(output.slice(answeredAt)))
    answeredAt = output.length
    child.stdin.write(answer)
  }
  const [code] = await ended
  child.stdin.destroy()
  return { code: code as number, output }
}

test('on a terminal it asks for what was not given, for the password twice, and shows nothing of it', {
  skip: !hasScript,
}, async (t) => {
  const { code, output } = await converse(t, '', [
    [/E-mail \(.*\):/, 'asked@example.com\r'],
    [/Nickname \(.*\):/, '터미널\r'],
    [/Password \(/, `${password}\r`],
    [/again:/, `${password}\r`],
  ])
  assert.equal(code, 0, output)
  assert.ok(!output.includes(password), output)
  assert.equal((await signIn('asked@example.com')).status, 201)
})

test('on a terminal only what was wrong is asked for again, after a sentence that says why', {
  skip: !hasScript,
}, async (t) => {
  await house.person({ nickname: '먼저 온 사람' })
  const { code, output } = await converse(t, '--email wrong', [
    [/E-mail: Must be an e-mail address\..*E-mail \(.*\):/s, 'patient@example.com\r'],
    [/Nickname \(2 to 20 characters\):/, 'x\r'],
    [/Nickname: Must have 2 to 20 characters\..*Nickname \(.*\):/s, '먼저 온 사람\r'],
    [/Password \(10 characters .*\):/, 'short\r'],
    [/again:/, 'short\r'],
    [/Password: Must have at least 10 characters\..*Password \(.*\):/s, `${password}\r`],
    [/again:/, 'something else\r'],
    [/differ\. Type them again\..*Password \(.*\):/s, 'password123\r'],
    [/again:/, 'password123\r'],
    [/Password: This password is too common\..*Password \(.*\):/s, `${password}\r`],
    [/again:/, `${password}\r`],
    [/Nickname: Somebody has this one.*Nickname \(.*\):/s, '끝까지 온 사람\r'],
  ])
  assert.equal(code, 0, output)
  assert.match(output, /The administrator "끝까지 온 사람" was made/)
  assert.equal(output.match(/E-mail \(/g)?.length, 1)
  assert.equal(output.match(/Password \(/g)?.length, 4)
  assert.equal((await signIn('patient@example.com')).status, 201)
})

test('on a terminal nobody is made where it is refused to promote, or it is interrupted, after a mistake too', {
  skip: !hasScript,
}, async (t) => {
  const person = await house.person()
  const differing = await converse(t, '--email differ@example.com --nickname 다름', [
    [/Password \(/, `${password}\r`],
    [/again:/, `${password}!\r`],
    [/differ.*Password \(/s, '\x03'],
  ])
  const refused = await converse(t, `--email ${person.email}`, [[/\[y\/N\]/, '\r']])
  const interrupted = await converse(t, '--email differ@example.com --nickname 다름', [[/Password \(/, '\x03']])
  assert.deepEqual([differing.code, refused.code, interrupted.code], [1, 1, 1])
  assert.match(differing.output, /The two passwords differ/)
  for (const { output } of [differing, refused, interrupted]) assert.match(output, /Nothing was changed/)
  assert.equal((await person.get('/v1/me')).body.role, 'USER')
  assert.equal((await signIn('differ@example.com')).status, 401)
})

test('it works on the PostgreSQL that Podo starts itself, while Podo runs and while it does not', async (t) => {
  const dataDir = join(folder, 'embedded')
  const own = { DATABASE_URL: '', PODO_DATA_DIR: dataDir, PORT: '0' }
  const { child: podo, ended } = start(['up'], own)
  t.after(() => podo.kill('SIGKILL'))
  let output = ''
  podo.stdout!.on('data', (text) => (output += text))
  const url = await until('an address', () => output.match(/Address +(http:\S+)/)?.[1])
  const args = (name: string) => ['--email', `${name}@example.com`, '--nickname', `관리자 ${name}`, '--password-stdin']
  const first = await create(args('one'), password, own)
  assert.equal(first.code, 0, first.output)
  const answer = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ email: 'one@example.com', password }),
  })
  assert.equal(answer.status, 201)
  await answer.text()
  podo.kill('SIGTERM')
  await ended
  const second = await create(args('two'), password, own)
  assert.equal(second.code, 0, second.output)
  const again = await create(['--email', 'two@example.com'], '', own)
  assert.match(again.output, /is an administrator already/)
})
