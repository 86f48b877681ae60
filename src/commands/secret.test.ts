import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseEnv } from 'node:util'
import { readConfig, readEncryptedSettings, sealingSecretsOf } from '#platform/config'
import { openSealing } from '#platform/sealing'
import { decryptSecret, encryptSecret } from '#platform/secrets'
import { StartProblem } from '#platform/start-problem'
import { replaceFile } from './secret-files.ts'
import { carryOut, planRotation } from './secret-rotation.ts'

const main = join(import.meta.dirname, '../main.ts')
const key = randomBytes(32)
const operatorKey = randomBytes(32).toString('hex')
const databaseUrl = 'postgres://podo_service:s3cret-포도@db.example.com/podo'

interface Called {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function podoSecret(
  command: 'encrypt' | 'rotate',
  by: { folder: string; settings?: Record<string, string>; input?: string; flags?: string[] },
): Promise<Called> {
  const env = { PATH: process.env.PATH, LANG: 'C', ...by.settings }
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...(by.flags ?? []), main, 'secret', command],
      { env, cwd: by.folder },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    )
    child.stdin?.end(by.input ?? '')
  })
}

function folderWith(t: TestContext, files: Record<string, string | Buffer>): string {
  const folder = mkdtempSync(join(tmpdir(), 'podo-secret-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 })
  return folder
}

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
const secretsOf = (folder: string, environment: Record<string, string> = {}) => {
  const config = readConfig(environment, folder)
  return [config.operatorKey, config.databaseUrl]
}

/** What the service sealed by the key that goes, as it is read by these settings. */
const sealed = openSealing(key.toString('base64')).seal('webhook secrets', '포도')
const openedIn = (folder: string, environment: Record<string, string> = {}) => {
  const { secret, former } = sealingSecretsOf(readConfig(environment, folder), operatorKey)
  assert.notEqual(secret, operatorKey)
  return openSealing(secret, former).open('webhook secrets', sealed)
}

/** As people write it: comments, an old value that counts no more, quotes, `export`, spaces, and nothing at the end. */
const envText = (more: string) =>
  [
    '# 운영 설정 (PODO_OPERATOR_KEY=enc:AAAA는 예시)',
    `#PODO_OPERATOR_KEY=${encryptSecret('former', key)}`,
    'PODO_OPERATOR_KEY=',
    `PODO_OPERATOR_KEY=${encryptSecret(operatorKey, key)} # made in spring`,
    `  export DATABASE_URL = "${encryptSecret(databaseUrl, key)}"\r`,
    'PORT=8081',
    'OTHER=enc:not-ours',
    more,
  ].join('\n')

test('podo secret encrypt prints what the settings can be given as, and shows the value nowhere', async (t) => {
  const folder = folderWith(t, {})
  const settings = { PODO_SECRET_KEY: key.toString('base64') }
  for (const [input, value] of [
    ['s3cret 포도\n', 's3cret 포도'],
    ['two\nlines\r\n', 'two\nlines'],
    ['bare', 'bare'],
  ] as const) {
    const { code, stdout, stderr } = await podoSecret('encrypt', { folder, settings, input })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^enc:[A-Za-z0-9+/=]+\n$/)
    assert.equal(decryptSecret(stdout.trim(), key), value)
  }
})

test('podo secret says in Korean and in English why there is no key to work with', async (t) => {
  const folder = folderWith(t, { wrong: 'no key\n' })
  const cases: [Record<string, string>, RegExp, RegExp][] = [
    [{}, /PODO_SECRET_KEY is missing/, /PODO_SECRET_KEY가 없습니다/],
    [{ PODO_SECRET_KEY: 'short' }, /PODO_SECRET_KEY does not fit: it must be 32 bytes/, /쓸 수 없는 값이 있습니다/],
    [{ PODO_SECRET_KEY_FILE: 'wrong' }, /must hold 32 bytes/, /내용이 키가 아닙니다/],
    [{ PODO_SECRET_KEY_FILE: 'nowhere' }, /cannot be read \(ENOENT\)/, /읽을 수 없습니다\(ENOENT\)/],
    [{ PODO_SECRET_KEY: 'short', PODO_SECRET_KEY_FILE: 'wrong' }, /both given/, /둘 다 지정되어/],
  ]
  for (const [settings, english, korean] of cases) {
    const [en, ko] = await Promise.all([
      podoSecret('encrypt', { folder, settings, input: 'canary' }),
      podoSecret('rotate', { folder, settings: { ...settings, LANG: 'ko_KR.UTF-8' }, input: 'canary' }),
    ])
    assert.deepEqual([en.code, en.stdout, ko.code, ko.stdout], [1, '', 1, ''])
    assert.match(en.stderr, english)
    assert.match(ko.stderr, korean)
    assert.equal(/short|no key|canary|at .*\.ts/.test(en.stderr + ko.stderr), false)
  }
})

test('rotation with a key file: the values stay, the new key alone reads them, and nothing else changes', async (t) => {
  const [older, oldest] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')]
  const base64 = key.toString('base64')
  for (const [given, former] of [
    [key, [base64]],
    [key.toString('hex'), [base64]],
    [`${base64}\n${older}\n${oldest}\n`, [base64, older]],
  ] as const) {
    const folder = folderWith(t, { '.env': envText('PODO_SECRET_KEY_FILE=the.key'), 'real.key': given })
    symlinkSync('real.key', join(folder, 'the.key'))
    chmodSync(join(folder, '.env'), 0o640)
    const before = read(folder, '.env')
    const { code, stdout, stderr } = await podoSecret('rotate', { folder })
    assert.deepEqual([code, stdout], [0, ''])
    assert.match(stderr, /the\.key holds a new key\. 2 values in .*\.env encrypted again by it\.\nStart all processes/)
    assert.deepEqual(secretsOf(folder), [operatorKey, databaseUrl])
    const [made, ...others] = read(folder, 'real.key').trim().split('\n')
    assert.deepEqual(others, former)
    assert.notEqual(made, base64)
    assert.equal(readConfig({}, folder).secretKey, made)
    assert.equal(openedIn(folder), '포도')
    const after = parseEnv(read(folder, '.env'))
    assert.equal(decryptSecret(after.PODO_OPERATOR_KEY!, Buffer.from(made!, 'base64')), operatorKey)
    const blank = (text: string) =>
      text.replace(/^( *(?:export )?(?:PODO_OPERATOR_KEY|DATABASE_URL).*)enc:[^" ]+/gm, '$1')
    assert.equal(blank(read(folder, '.env')), blank(before))
    assert.match(read(folder, '.env'), new RegExp(RegExp.escape(before.split('\n')[1]!)))
    assert.deepEqual(readdirSync(folder).toSorted(), ['.env', 'real.key', 'the.key'])
    assert.ok(lstatSync(join(folder, 'the.key')).isSymbolicLink())
    assert.deepEqual(
      [statSync(join(folder, 'real.key')).mode & 0o777, statSync(join(folder, '.env')).mode & 0o777],
      [0o600, 0o640],
    )
    assert.equal((stdout + stderr).includes(made!), false)
  }
})

test('rotation with the key in .env: key and values change in one step, the former key is kept, and nothing else', async (t) => {
  const folder = folderWith(t, { '.env': envText(`PODO_SECRET_KEY='${key.toString('hex')}' # keep`) })
  const lines = read(folder, '.env').split('\n').length
  // In whatever encoding a comment is.
  writeFileSync(join(folder, '.env'), Buffer.from([0x0a, 0x23, 0xc6, 0xf7, 0xb5, 0xb5]), { flag: 'a' })
  const { code, stdout } = await podoSecret('rotate', { folder })
  assert.deepEqual([code, stdout], [0, ''])
  assert.deepEqual(secretsOf(folder), [operatorKey, databaseUrl])
  const { PODO_SECRET_KEY: made, PODO_OPERATOR_KEY: value } = parseEnv(read(folder, '.env'))
  assert.notEqual(made, key.toString('hex'))
  assert.equal(decryptSecret(value!, key), null)
  assert.match(read(folder, '.env'), /^PODO_SECRET_KEY='[^']{44}' # keep$/m)
  const bytes = readFileSync(join(folder, '.env'))
  assert.deepEqual([...bytes.subarray(-6)], [0x0a, 0x23, 0xc6, 0xf7, 0xb5, 0xb5])
  assert.equal(openedIn(folder), '포도')
  // The former key, and the line of before.
  assert.equal(read(folder, '.env').split('\n').length, lines + 2)
  carryOut(planRotation(readEncryptedSettings({}, folder), randomBytes(32)))
  assert.equal(openedIn(folder), '포도')
  assert.equal(read(folder, '.env').split('\n').length, lines + 2)
  carryOut(planRotation(readEncryptedSettings({}, folder), randomBytes(32)))
  assert.deepEqual([openedIn(folder), ...secretsOf(folder)], [null, operatorKey, databaseUrl])
  assert.deepEqual(readdirSync(folder), ['.env'])
})

test('rotation with the key in the environment writes nothing, and prints all that has to be set', async (t) => {
  const folder = folderWith(t, { '.env': envText('') })
  const before = read(folder, '.env')
  const settings = { PODO_SECRET_KEY: key.toString('base64'), DATABASE_URL: encryptSecret('postgres://a@b/c', key) }
  const { code, stdout, stderr } = await podoSecret('rotate', { folder, settings })
  assert.equal(code, 0)
  assert.match(stderr, /^The key or a value is in the environment of the process, so nothing was written\./)
  assert.equal(read(folder, '.env'), before)
  const lines = stdout.trim().split('\n')
  assert.deepEqual(lines.map((line) => line.split('=')[0]).toSorted(), [
    'DATABASE_URL',
    'PODO_OPERATOR_KEY',
    'PODO_SECRET_KEY',
    'PODO_SECRET_KEY_FORMER',
  ])
  const set = parseEnv(stdout) as Record<string, string>
  assert.deepEqual(secretsOf(folder, set), [operatorKey, 'postgres://a@b/c'])
  assert.equal(openedIn(folder, set), '포도')
})

test('a value in the environment keeps its key in the key file until it is set, for as many rotations as there are', async (t) => {
  const folder = folderWith(t, { '.env': envText('PODO_SECRET_KEY_FILE=the.key'), 'the.key': key.toString('base64') })
  const settings = { DATABASE_URL: encryptSecret('postgres://a@b/c', key) }
  const first = await podoSecret('rotate', { folder, settings })
  assert.equal(first.code, 0)
  assert.match(first.stderr, /Until then .*the\.key keeps the key of theirs as well/)
  assert.deepEqual(secretsOf(folder, settings), [operatorKey, 'postgres://a@b/c'])
  assert.equal(read(folder, 'the.key').trim().split('\n').length, 2)
  assert.deepEqual(Object.keys(parseEnv(first.stdout)), ['DATABASE_URL'])
  const rotate = (environment: Record<string, string>) => {
    const rotation = planRotation(readEncryptedSettings(environment, folder), randomBytes(32))
    carryOut(rotation)
    return parseEnv(rotation.lines.join('\n')) as Record<string, string>
  }
  rotate(settings)
  const set = rotate(settings)
  const isKept = () => read(folder, 'the.key').includes(key.toString('base64'))
  for (const either of [settings, set]) assert.deepEqual(secretsOf(folder, either), [operatorKey, 'postgres://a@b/c'])
  assert.equal(isKept(), true)
  const last = rotate(set)
  assert.equal(isKept(), false)
  for (const either of [set, last]) assert.deepEqual(secretsOf(folder, either), [operatorKey, 'postgres://a@b/c'])
})

/** Kills the process at the n-th call that changes something, once the rotation has begun to. */
const killedAt = (place: number) =>
  `data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  let count = 0
  for (const name of ['openSync', 'writeSync', 'fsyncSync', 'renameSync', 'rmSync']) {
    const original = fs[name]
    fs[name] = (...given) => {
      if (count > 0 || String(given[0]).endsWith('.rotating')) count++
      if (count === ${place}) process.kill(process.pid, 'SIGKILL')
      return original(...given)
    }
  }
  syncBuiltinESMExports()
`)}`

test('killed at any call that changes a file, a rotation leaves the settings readable, and the next one cleans up', async (t) => {
  // Nine calls change a file: with every other one, too, each of them is met in one of two files.
  const step = process.env.PODO_TEST_LONG === '1' ? 1 : 2
  async function killEverywhere(line: string): Promise<{ calls: number; leftBehind: number }> {
    let leftBehind = 0
    for (let place = 1; ; place += step) {
      assert.ok(place < 100)
      const folder = folderWith(t, { '.env': envText(line), 'the.key': key.toString('base64') })
      const { code, stderr } = await podoSecret('rotate', { folder, flags: ['--import', killedAt(place)] })
      assert.deepEqual(secretsOf(folder), [operatorKey, databaseUrl], `killed at call ${place}`)
      assert.equal(openedIn(folder), '포도')
      if (code === 0) return { calls: place - step, leftBehind }
      assert.equal(stderr, '')
      if (readdirSync(folder).some((name) => name.endsWith('.rotating'))) leftBehind++
      carryOut(planRotation(readEncryptedSettings({}, folder), randomBytes(32)))
      assert.deepEqual(readdirSync(folder).toSorted(), ['.env', 'the.key'])
      assert.deepEqual([openedIn(folder), ...secretsOf(folder)], ['포도', operatorKey, databaseUrl])
    }
  }
  const [file, env] = await Promise.all([
    killEverywhere('PODO_SECRET_KEY_FILE=the.key'),
    killEverywhere(`PODO_SECRET_KEY=${key.toString('base64')}`),
  ])
  // Two files are replaced, or one; each time two calls see what lies beside it.
  assert.ok(file.calls > 2 * env.calls - step && env.calls >= 6, JSON.stringify({ file, env }))
  assert.ok(file.leftBehind >= 4 && env.leftBehind >= 2, JSON.stringify({ file, env }))
})

test('every value that cannot be decrypted is named at once, in both languages, and nothing is written', async (t) => {
  const other = randomBytes(32).toString('base64')
  const folder = folderWith(t, { '.env': envText('PODO_SECRET_KEY_FILE=the.key'), 'the.key': other })
  const before = read(folder, '.env')
  for (const [LANG, sentence] of [
    ['C', /cannot be decrypted: encrypt it again/g],
    ['ko_KR.UTF-8', /복호화할 수 없습니다\. 지금의 키로/g],
  ] as const) {
    const { code, stdout, stderr } = await podoSecret('rotate', { folder, settings: { LANG } })
    assert.deepEqual([code, stdout], [1, ''])
    assert.equal(stderr.match(sentence)?.length, 2)
    assert.match(stderr, /DATABASE_URL.*\n.*PODO_OPERATOR_KEY/)
  }
  assert.deepEqual([read(folder, '.env'), read(folder, 'the.key')], [before, other])
})

test('a value that is written in a way that cannot be replaced is refused before anything is written', (t) => {
  const whole = encryptSecret(operatorKey, key)
  const lines = [
    `PODO_SECRET_KEY=${key.toString('base64')}`,
    `PODO_OPERATOR_KEY="${whole.slice(0, 40)}\\n${whole.slice(40)}"`,
  ]
  const folder = folderWith(t, { '.env': lines.join('\n') })
  const given = readEncryptedSettings({}, folder)
  assert.equal(given.settings.length, 1)
  assert.throws(
    () => planRotation(given, randomBytes(32)),
    (error) => {
      assert.ok(error instanceof StartProblem)
      assert.match(error.text.en, /^The value of PODO_OPERATOR_KEY in \.env cannot be replaced/)
      assert.match(error.text.ko, /^\.env에서 PODO_OPERATOR_KEY의 값을/)
      return true
    },
  )
})

test('a file that somebody changed meanwhile, or that cannot be replaced, stays as it is, with nothing beside it', (t) => {
  const folder = folderWith(t, { '.env': 'PORT=1\n' })
  const path = join(folder, '.env')
  const replace = (before: string) => () =>
    replaceFile({ path, before: Buffer.from(before), after: Buffer.from('PORT=2\n') })
  assert.throws(
    replace('PORT=3\n'),
    (error) => error instanceof StartProblem && /was changed meanwhile/.test(error.text.en),
  )
  assert.deepEqual([readdirSync(folder), read(folder, '.env')], [['.env'], 'PORT=1\n'])
  mkdirSync(`${path}.rotating`)
  assert.throws(
    replace('PORT=1\n'),
    (error) => error instanceof StartProblem && /cannot be replaced/.test(error.text.en),
  )
  assert.equal(read(folder, '.env'), 'PORT=1\n')
  rmSync(`${path}.rotating`, { recursive: true })
  replace('PORT=1\n')()
  assert.deepEqual([readdirSync(folder), read(folder, '.env')], [['.env'], 'PORT=2\n'])
})
