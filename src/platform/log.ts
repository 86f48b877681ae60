import { type Logger, pino, stdSerializers } from 'pino'

export type { Logger } from 'pino'

/**
 * JSON lines on standard output, or lines for people where that is a terminal. Secrets are taken out of the finished
 * line, so that neither their depth in an object nor their being part of a message or a stack lets them through.
 */
export function openLog(options: {
  level: string
  /** Takes each line; standard output where it is missing. */
  write?: (line: string) => void
}): Logger {
  const forPeople = process.stdout.isTTY
  if (!options.write) process.stdout.off('error', loseLine).on('error', loseLine)
  const write = options.write ?? ((line: string) => writeOut(forPeople ? toPlainLine(line) : line))
  return pino(
    {
      level: options.level,
      base: undefined,
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error) => withoutRows(stdSerializers.err(error)) },
    },
    { write: (line: string) => write(redact(line)) },
  )
}

/** An error without what PostgreSQL quotes of a row, which may be about a person; table and constraint stay. */
function withoutRows(error: SerializedError): Omit<SerializedError, 'detail' | 'where'> {
  const { detail, where, ...rest } = error
  return rest
}

type SerializedError = ReturnType<typeof stdSerializers.err>

/** How many lines of this process could not be written. */
export function countLinesLost(): number {
  return linesLost
}

let linesLost = 0

/** Of lines that a reader has not taken: what a pipe has no room for waits in this process, without an end. */
const waitingBytesMax = 8 * 1024 * 1024

function writeOut(line: string): void {
  if (process.stdout.writableLength > waitingBytesMax) loseLine()
  else process.stdout.write(line)
}

/** A full disk, or a reader that has gone, loses lines of the log; it must not end a service. */
function loseLine(): void {
  linesLost += 1
}

/** A line of JSON as somebody at a terminal reads it: the time, the level where it matters, the message, the rest. */
export function toPlainLine(line: string): string {
  const { level, at, msg, err, ...rest } = JSON.parse(line)
  const time = new Date(at).toTimeString().slice(0, 8)
  const mark = level === 'info' ? '' : `${level}: `
  const more = Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : ''
  return `${time}  ${mark}${msg ?? ''}${more}\n${err ? `${err.stack ?? err.message}\n` : ''}`
}

const secretField =
  /"([^"\\]*(?:key|secret|password|passwd|token|authorization|cookie|credentials?|database_?url|owner_?url))":(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\])/gi
// From the beginning of a word: tried at each letter, a long one took the square of its length.
const secretText = /(\b\w+:\/\/[^:/@\s"\\]*:)[^@\s"\\]+@|\b(Bearer\s+)[\w.~+/=-]+|\b(podo_sk_)\w+/g

// The messages of PostgreSQL that quote what they were given, to the end of the line.
const quotedValue = /((?:invalid input [\w ]+|out of range): \\")(?:\\[^n]|[^"\\])*/g

/**
 * A line of JSON without the values of secret fields, passwords in addresses, bearer tokens, API keys, and values that
 * PostgreSQL could not read.
 */
export function redact(line: string): string {
  return line
    .replace(quotedValue, '$1[redacted]\\"')
    .replace(secretField, '"$1":"[redacted]"')
    .replace(secretText, (_whole, address = '', bearer = '', apiKey = '') =>
      address ? `${address}[redacted]@` : `${bearer}${apiKey}[redacted]`,
    )
}
