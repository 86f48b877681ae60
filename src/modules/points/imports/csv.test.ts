import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type CsvRecord, findEncoding, readCsv, Splitter } from './csv.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podo-csv-'))
})
after(() => rm(folder, { recursive: true }))

async function fileOf(content: string | Buffer): Promise<string> {
  const path = join(folder, `${Math.random()}.csv`)
  await writeFile(path, content)
  return path
}

function split(text: string, cuts: readonly number[] = []): CsvRecord[] {
  const splitter = new Splitter()
  const bounds = [0, ...cuts, text.length]
  const pieces = bounds.slice(1).map((end, at) => text.slice(bounds[at], end))
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end('')]
}

test('records end by LF or CRLF, empty lines are none, and each knows its line', () => {
  assert.deepEqual(split('a,b\r\nc,\n\n  \nd,e'), [
    { line: 1, fields: ['a', 'b'] },
    { line: 2, fields: ['c', ''] },
    { line: 5, fields: ['d', 'e'] },
  ])
})

test('quotes keep commas, line ends and quotes of a field together', () => {
  assert.deepEqual(split('"a,b","say ""hi""","two\r\nlines"\nnext,5" screen,'), [
    { line: 1, fields: ['a,b', 'say "hi"', 'two\r\nlines'] },
    { line: 3, fields: ['next', '5" screen', ''] },
  ])
})

test('a record whose quotes go astray is one bad line, and the next line is read again', () => {
  assert.deepEqual(split('"a"b,c\nd,e\n"never closed,x\nf,g\n'), [
    { line: 1, fields: null },
    { line: 2, fields: ['d', 'e'] },
    { line: 3, fields: null },
    { line: 4, fields: ['f', 'g'] },
  ])
})

test('a line without an end takes no more memory than its bound, and is one bad line', () => {
  const splitter = new Splitter()
  const records: CsvRecord[] = []
  for (let i = 0; i < 100; i += 1) records.push(...splitter.push('x'.repeat(10_000)))
  records.push(...splitter.push('\na,b\n'))
  assert.deepEqual(records, [
    { line: 1, fields: null },
    { line: 2, fields: ['a', 'b'] },
  ])
})

test('wherever the text is cut into pieces, the records are the same', () => {
  const text = 'a,"b ""quoted"" and, comma"\r\n"multi\nline",x\r\n\r\nplain,"",end\n"last",""""'
  const whole = split(text)
  assert.equal(whole.length, 4)
  for (let one = 0; one <= text.length; one += 1) {
    for (let other = one; other <= text.length; other += 1) assert.deepEqual(split(text, [one, other]), whole)
  }
})

test('UTF-8 is read with a byte order mark and without, and Korean code page 949 is recognised', async () => {
  const cases = [
    { content: Buffer.from('\ufeffid,이름\n'), encoding: 'utf-8' },
    { content: Buffer.from('id,이름\n'), encoding: 'utf-8' },
    { content: Buffer.from([0x69, 0x64, 0x2c, 0xc0, 0xcc, 0xb8, 0xa7, 0x0a]), encoding: 'cp949' },
  ] as const
  for (const { content, encoding } of cases) {
    const path = await fileOf(content)
    assert.equal(await findEncoding(path), encoding)
    const stretches = await Array.fromAsync(readCsv(path, encoding))
    assert.deepEqual(
      stretches.flatMap(({ records }) => records),
      [{ line: 1, fields: ['id', '이름'] }],
    )
  }
  assert.equal(await findEncoding(await fileOf(Buffer.from([0xff, 0xff, 0xff]))), null)
})

test('names that only code page 949 has are read, wherever the file is cut, and what is in no code page is none', async () => {
  // 김설믜, 펲시맨, 똠방각하: the first two with a syllable that KS X 1001 lacks, the third begins with one.
  const names = Buffer.from('b1e8bcb392de2cbc84bdc3b8c72c8c63b9e6b0a2c7cf0a', 'hex')
  const odd = Buffer.concat([Buffer.from('1'), ...Array.from({ length: 20_000 }, () => names)])
  const path = await fileOf(odd)
  assert.equal(await findEncoding(path), 'cp949')
  const rows = new Set<string>()
  for await (const { records } of readCsv(path, 'cp949')) for (const { fields } of records) rows.add(fields!.join(' '))
  assert.deepEqual([...rows], ['1김설믜 펲시맨 똠방각하', '김설믜 펲시맨 똠방각하'])
  for (const bytes of ['b1e8ff', 'b1e88c', '80', 'fea1']) {
    assert.equal(await findEncoding(await fileOf(Buffer.from(bytes, 'hex'))), null, bytes)
  }
})
