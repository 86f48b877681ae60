import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { StartProblem } from '#platform/start-problem'
import { openOperatorKey } from './operator-key.ts'

test('a key file that holds no key as the setting demands it is refused with a sentence, and left as it is', (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'podo-key-'))
  t.after(() => rmSync(dataDir, { recursive: true }))
  const path = join(dataDir, 'operator.key')
  const open = () => openOperatorKey({ operatorKey: null, dataDir })
  const { key } = open()
  for (const held of ['', ' \n', 'garbage', 'x'.repeat(31), `${'x'.repeat(20)} ${'x'.repeat(20)}`, '열쇠'.repeat(20)]) {
    writeFileSync(path, held)
    assert.throws(open, (error) => {
      assert.ok(error instanceof StartProblem)
      assert.ok(error.text.en.startsWith(`${path} holds no operator's key: it must be at least 32 visible ASCII`))
      assert.match(error.text.ko, /운영자 키가 없습니다/)
      assert.equal(/garbage|xxx/.test(error.text.en + error.text.ko), false)
      return true
    })
    assert.equal(readFileSync(path, 'utf8'), held)
  }
  writeFileSync(path, `${key}\r\n`)
  assert.deepEqual(open(), { key, path })
})
