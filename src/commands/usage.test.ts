import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import packageJson from '../../package.json' with { type: 'json' }
import { widthOf } from '../terminal/columns.ts'

const main = join(import.meta.dirname, '../main.ts')
const dataDir = join(tmpdir(), `podo-never-${process.pid}`)

interface Run {
  readonly code: number
  readonly output: string
}

function podo(command: readonly string[], language: 'en' | 'ko' = 'en'): Promise<Run> {
  return run([main, ...command], language)
}

function run(args: readonly string[], language: 'en' | 'ko'): Promise<Run> {
  const LANG = language === 'ko' ? 'ko_KR.UTF-8' : 'C'
  const env = { PATH: process.env.PATH, LANG, PODO_DATA_DIR: dataDir }
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: tmpdir(), env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

/** The help of many commands in Korean, by one process: each starts the program anew. */
async function listHelp(commands: readonly string[]): Promise<string[]> {
  const program = `
    for (const [at, command] of ${JSON.stringify(commands)}.entries()) {
      process.argv = ['node', 'podo', ...command.split(' ').filter(Boolean), '--help']
      await import(${JSON.stringify(pathToFileURL(main).href)} + '?' + at)
      console.log('\\0')
    }`
  const { code, output } = await run(['--input-type=module', '--eval', program], 'ko')
  assert.equal(code, 0, output)
  return output.split('\0\n').slice(0, -1)
}

test('every command refuses options and arguments that it does not take, with its usage, and does nothing', async () => {
  const commands = [
    ['up', '--port', '1'],
    ['up', 'extra'],
    ['serve', '--roles=api'],
    ['migrate', '-x'],
    ['demo', '--fast'],
    ['import', 'a.csv', 'b.csv', '--company', 'cmp_1'],
    ['import', 'a.csv', '--company', 'cmp_1', '--apply=no'],
    ['verify', '--repiar'],
    ['secret', 'encrypt', 'in-the-open'],
    ['--port=1', 'up'],
  ]
  for (const [at, { code, output }] of (await Promise.all(commands.map((it) => podo(it)))).entries()) {
    const command = commands[at]!.join(' ')
    assert.equal(code, 1, `${command}: ${output}`)
    assert.match(output, /^There is no such option or argument: [^\n]+\n\n(.|\n)*USAGE {2}podo/, command)
  }
  assert.equal(existsSync(dataDir), false)
  const { output } = await podo(['up', '--port', '1'], 'ko')
  assert.match(output, /^알 수 없는 옵션이나 인수가 있습니다: --port/)
})

test('a command that is missing or unknown, or lacks something, is answered by a sentence and the usage', async () => {
  const mistakes = [
    [podo([]), /^Choose a command\.\n\n/],
    [podo(['uo']), /^There is no such command: uo\./],
    [podo(['admin', 'toString']), /^There is no such command: toString\./],
    [podo(['import']), /^This is missing: FILE\./],
    [podo(['import', 'a.csv']), /^This is missing: --company\./],
    [podo(['serve', '--role', 'x']), /^--role takes one of these: all, api, worker\./],
  ] as const
  for (const [run, says] of mistakes) {
    const { code, output } = await run
    assert.equal(code, 1, output)
    assert.match(output, says)
    assert.match(output, /\n\n(.|\n)*USAGE {2}podo/)
  }
  const { output } = await podo(['import', 'a.csv'], 'ko')
  assert.match(
    output,
    /^빠진 것이 있습니다: --company\.(.|\n)*사용법 {2}podo import \[옵션\] <FILE> --company=<company>\n/,
  )
})

test('the help of every command is in the language of the terminal, in lines that can be read', async () => {
  const paths = [
    '',
    'up',
    'serve',
    'migrate',
    'demo',
    'import',
    'verify',
    'dead-letters',
    'dead-letters redrive',
    'admin',
    'admin create',
    'secret',
  ]
  const help = await listHelp([...paths, 'secret encrypt', 'secret rotate'])
  assert.equal(help.length, paths.length + 2)
  for (const output of help) {
    assert.match(output, /^사용법 {2}podo/m)
    for (const line of output.split('\n').filter(Boolean)) {
      assert.ok(widthOf(line) <= 100, line)
      assert.match(line, line.startsWith('사용법') ? /^사용법 {2}podo/ : /[가-힣]/)
    }
  }
  const { output } = await podo(['admin', 'create', '--help'])
  assert.match(output, /^Make an administrator.*\n(.*\n)+\nUSAGE {2}podo admin create \[OPTIONS\]\n\nOPTIONS\n/)
  assert.match(output, /^ {2}--email=<email> {8}The address to sign in with$/m)
})

test('the version is told, and nothing else', async () => {
  assert.deepEqual(await podo(['--version']), { code: 0, output: `${packageJson.version}\n` })
})
