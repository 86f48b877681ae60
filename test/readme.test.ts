import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openApiHouse, operatorKey } from './api-house.ts'
import { root } from './architecture/sources.ts'
import type { Scope } from './harness.ts'

const run = promisify(execFile)
const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
)
const documents = [
  'README.md',
  'README.ko.md',
  'docs/guide/api-guide.md',
  'docs/guide/api-guide.ko.md',
  'docs/guide/earning.md',
  'docs/guide/earning.ko.md',
  'docs/guide/people.md',
  'docs/guide/people.ko.md',
  'docs/guide/webhooks.md',
  'docs/guide/webhooks.ko.md',
]

for (const path of documents) {
  const skip = hasCurl ? false : 'there is no curl on this machine'
  test(`${path}: every command answers what stands below it`, { skip }, async (t) => {
    const examples = readExamples(await readFile(join(root, path), 'utf8'))
    assert.ok(examples.length > 2)
    const shown = await runExamples(t, examples)
    for (const [at, { command, answer }] of examples.entries()) {
      const lines = (shown[at] ?? '').trim().split('\n')
      const expected = answer.trim().split('\n')
      const isSame = lines.length === expected.length && lines.every((line, index) => fits(line, expected[index]!))
      assert.ok(isSame, `${command}\nanswered\n${lines.join('\n')}\nand not\n${answer}`)
    }
  })
}

interface Example {
  readonly command: string
  /** What it prints; `…` stands for anything within a line. */
  readonly answer: string
}

/** Blocks marked `bash`, each with the block of `json` below it, if there is one. */
function readExamples(text: string): Example[] {
  const blocks = text.matchAll(/^```bash\n(.*?)^```\n(?:\n```json\n(.*?)^```\n)?/gms)
  return Array.from(blocks, ([, command, answer]) => ({ command: command!, answer: answer ?? '' }))
}

/** Runs them in one shell, as a reader does, against a real Podo; answers what each printed. */
async function runExamples(scope: Scope, examples: readonly Example[]): Promise<string[]> {
  const house = await openApiHouse(scope, { settings: { language: 'ko' }, withBackground: true })
  await house.server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = house.server.server.address() as AddressInfo
  const folder = await mkdtemp(join(tmpdir(), 'podo-readme-'))
  scope.after(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, '.podo'))
  await writeFile(join(folder, '.podo/operator.key'), `${operatorKey}\n`)
  const script = ['set -euo pipefail', ...examples.flatMap(({ command }) => [command, `printf '\\f'`])].join('\n')
  const { stdout } = await run('bash', ['-c', script.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)], {
    cwd: folder,
    env: { ...process.env, NO_PROXY: '127.0.0.1' },
  })
  return stdout.split('\f')
}

function fits(line: string, expected: string): boolean {
  const pattern = expected
    .split('…')
    .map((text) => RegExp.escape(text))
    .join('.*')
  return new RegExp(`^${pattern}$`).test(line)
}
