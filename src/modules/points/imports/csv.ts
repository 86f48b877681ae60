import { createReadStream } from 'node:fs'
import iconv from 'iconv-lite'

/** Encodings that a file may have; code page 949 is what Korean spreadsheets write. */
export type Encoding = 'utf-8' | 'cp949'

/** A record of the file; without fields where its quotes never end or it is longer than `recordLengthMax`. */
export interface CsvRecord {
  /** Line of the file on which it begins, from 1. */
  readonly line: number
  readonly fields: readonly string[] | null
}

/** Some records that follow each other, and how far into the file they were read. */
export interface Stretch {
  readonly records: readonly CsvRecord[]
  readonly bytesRead: number
}

const recordLengthMax = 65_536
const chunkBytes = 262_144

/** Whichever of the encodings the whole file fits, UTF-8 first; null when it fits neither. */
export async function findEncoding(path: string): Promise<Encoding | null> {
  for (const encoding of ['utf-8', 'cp949'] as const) if (await isIn(path, encoding)) return encoding
  return null
}

async function isIn(path: string, encoding: Encoding): Promise<boolean> {
  const decode = openDecoder(encoding, { fatal: true })
  const chunks = createReadStream(path, { highWaterMark: chunkBytes })
  try {
    for await (const chunk of chunks) decode(chunk as Buffer)
    decode(null)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  } finally {
    chunks.destroy()
  }
}

/** Turns one chunk after the other into text, and null into what is left at the end. */
type Decode = (chunk: Buffer | null) => string

/**
 * Throws a TypeError, if `fatal`, at what is no text. Node's own `euc-kr` knows the 2,350 syllables of KS X 1001 only,
 * and passes over the first byte of the 8,822 others.
 */
function openDecoder(encoding: Encoding, { fatal }: { fatal: boolean }): Decode {
  if (encoding === 'utf-8') {
    const decoder = new TextDecoder('utf-8', { fatal })
    return (chunk) => (chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode())
  }
  const decoder = iconv.getDecoder('cp949')
  return (chunk) => {
    const text = chunk ? decoder.write(chunk) : (decoder.end() ?? '')
    // No bytes of this code page stand for it.
    if (fatal && text.includes('\ufffd')) throw new TypeError('the file is not in code page 949')
    return text
  }
}

/** The records of a file (RFC 4180, lines ended by CRLF or LF, with or without a byte order mark), a stretch each. */
export async function* readCsv(path: string, encoding: Encoding): AsyncGenerator<Stretch> {
  const decode = openDecoder(encoding, { fatal: false })
  const splitter = new Splitter()
  let bytesRead = 0
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
    bytesRead += (chunk as Buffer).length
    yield { records: splitter.push(decode(chunk as Buffer)), bytesRead }
  }
  yield { records: splitter.end(decode(null)), bytesRead }
}

/** Cuts text into records; what is not yet complete waits for more, though never more than `recordLengthMax` of it. */
export class Splitter {
  #text = ''
  #line = 1
  /** Inside a line that was too long: nothing counts until it ends. */
  #isSkipping = false

  push(text: string): CsvRecord[] {
    this.#text += text
    return this.#take(false)
  }

  end(text: string): CsvRecord[] {
    this.#text += text
    const records = this.#take(true)
    this.#text = ''
    return records
  }

  #take(isLast: boolean): CsvRecord[] {
    const text = this.#text
    const records: CsvRecord[] = []
    let at = 0
    while (at < text.length) {
      const newline = text.indexOf('\n', at)
      if (newline < 0 && !isLast) {
        if (text.length - at > recordLengthMax) at = this.#skip(records, text.length)
        break
      }
      const end = newline < 0 ? text.length : newline
      const row = text.slice(at, text[end - 1] === '\r' && end > at ? end - 1 : end)
      if (this.#isSkipping) this.#isSkipping = false
      else if (!row.includes('"')) {
        if (row.trim() !== '') records.push({ line: this.#line, fields: row.split(',') })
      } else {
        const quoted = readQuoted(text, at, isLast)
        if (quoted === 'more' && text.length - at <= recordLengthMax) break
        if (quoted !== 'more' && quoted.fields) {
          records.push({ line: this.#line, fields: quoted.fields })
          for (let i = at; i < quoted.next; i += 1) if (text.charCodeAt(i) === lineFeed) this.#line += 1
          at = quoted.next
          continue
        }
        // Its quotes are astray: the next line is the first place to be sure of again.
        records.push({ line: this.#line, fields: null })
      }
      this.#line += 1
      at = end + 1
    }
    this.#text = text.slice(at)
    return records
  }

  #skip(records: CsvRecord[], end: number): number {
    if (!this.#isSkipping) records.push({ line: this.#line, fields: null })
    this.#isSkipping = true
    return end
  }
}

const lineFeed = 10

/** The fields of a record with quotes in it and where the next one begins; `more` when the text ends too early. */
function readQuoted(text: string, from: number, isLast: boolean): { fields: string[] | null; next: number } | 'more' {
  const fields: string[] = []
  let at = from
  for (;;) {
    let field: string
    if (text[at] === '"') {
      let end = text.indexOf('"', at + 1)
      while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2)
      // At the very end of a chunk the second quote of a pair may be still to come.
      if (end < 0 || (end + 1 >= text.length && !isLast)) return isLast ? { fields: null, next: at } : 'more'
      field = text.slice(at + 1, end).replaceAll('""', '"')
      at = end + 1
      if (text[at] === '\r' && text[at + 1] !== '\n' && at + 1 >= text.length && !isLast) return 'more'
    } else {
      const end = fieldEnd(text, at)
      if (end === text.length && !isLast) return 'more'
      field = text.slice(at, end)
      at = end
    }
    fields.push(field)
    if (text[at] === ',') {
      at += 1
      continue
    }
    if (text[at] === '\r') at += 1
    if (at < text.length && text[at] !== '\n') return { fields: null, next: at }
    return { fields, next: at + 1 }
  }
}

/** Where a field without quotes around it ends: before a comma, a line's end, or the end of the text. */
function fieldEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === comma || code === lineFeed || (code === carriageReturn && text.charCodeAt(at + 1) === lineFeed)) {
      return at
    }
  }
  return text.length
}

const comma = 44
const carriageReturn = 13
